"""Who holds the GPIO's lines: our structures against the kernel's own, and what is made of its answers."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from speakerd.gpio.lines import _CHIP, _GET_CHIP, _GET_LINE, _LINE, chip, holders

SIZES = """\
#include <linux/gpio.h>
#include <stddef.h>
#include <stdio.h>
int main(void) {
  printf("%zu %zu %zu %zu %zu %lu %lu %d", sizeof(struct gpiochip_info), sizeof(struct gpio_v2_line_info),
         offsetof(struct gpio_v2_line_info, consumer), offsetof(struct gpio_v2_line_info, offset),
         offsetof(struct gpio_v2_line_info, flags), (unsigned long)GPIO_GET_CHIPINFO_IOCTL,
         (unsigned long)GPIO_V2_GET_LINEINFO_IOCTL, GPIO_V2_LINE_FLAG_USED);
}
"""


def test_our_structures_are_the_kernels(tmp_path: Path) -> None:
    (tmp_path / "sizes.c").write_text(SIZES)
    subprocess.run(["gcc", "-o", tmp_path / "sizes", tmp_path / "sizes.c"], check=True, timeout=60)
    told = subprocess.run([tmp_path / "sizes"], check=True, capture_output=True, text=True, timeout=10).stdout
    assert [int(number) for number in told.split()] == [
        *(_CHIP.size, _LINE.size, 32, struct.calcsize("64s"), struct.calcsize("32s32sII")),
        *(_GET_CHIP, _GET_LINE, 1),
    ]


class Kernel:
    """Answers as the kernel does; `held` is who holds which line."""

    def __init__(self, labels: dict[str, str], held: dict[int, bytes]) -> None:
        self.labels = labels
        self.held = held

    def __call__(self, handle: int, request: int, facts: bytearray) -> int:
        if request == _GET_CHIP:
            name = Path(f"/proc/self/fd/{handle}").readlink().name
            if name not in self.labels:
                raise OSError(25, "Inappropriate ioctl for device")
            facts[:] = _CHIP.pack(name.encode(), self.labels[name].encode(), 54)
        else:
            assert request == _GET_LINE
            offset = _LINE.unpack(facts)[2]
            consumer = self.held.get(offset, b"")
            facts[:] = _LINE.pack(b"GPIO", consumer, offset, 0, 1 if offset in self.held else 0)
        return 0


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({}, None),
        ({"gpiochip0": "pinctrl-bcm2711", "gpiochip1": "raspberrypi-exp-gpio"}, "gpiochip0"),
        ({"gpiochip0": "gpio-brcmstb@107d508500", "gpiochip4": "pinctrl-rp1"}, "gpiochip4"),
        ({"gpiochip0": "something else"}, "gpiochip0"),
    ],
)
def test_the_chip_of_the_header(labels: dict[str, str], found: str | None, tmp_path: Path) -> None:
    for name in labels:
        (tmp_path / name).touch()
    path = chip(tmp_path, Kernel(labels, {}))
    assert (path and path.name) == found


def test_a_file_that_is_no_chip_is_still_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "gpiochip0").touch()
    (tmp_path / "gpiochip1").symlink_to(tmp_path / "gone")
    assert chip(tmp_path, Kernel({}, {})) == tmp_path / "gpiochip0"


def test_who_holds_a_line(tmp_path: Path) -> None:
    (tmp_path / "gpiochip0").touch()
    kernel = Kernel({}, {17: b"lg", 22: b"x" * 32, 27: b""})
    assert holders(tmp_path / "gpiochip0", (17, 18, 22, 27), kernel) == {17: "lg", 22: "x" * 32, 27: "the kernel"}
    with pytest.raises(FileNotFoundError):
        holders(tmp_path / "gpiochip9", (17,), kernel)
