from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.det_curve import det_curve
from bench.wake_statistics import Operating

SVG = "{http://www.w3.org/2000/svg}"
CURVES = {
    "streaming": [Operating(0.3, 99, 4.0), Operating(0.5, 95, 0.5), Operating(0.9, 80, 0.0)],
    'other <engine> & "co"': [Operating(0.3, 90, 40.0), Operating(0.5, 60, 2.0)],
}


def _picture(marked: tuple[float, ...] = (0.3, 0.5)) -> ElementTree.Element:
    return ElementTree.fromstring(det_curve(CURVES, hours=2.0, words=120, marked=marked))  # noqa: S314  # our own


def _points(line: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in line.attrib["points"].split())]


def test_is_xml_with_a_line_and_a_name_for_each_engine() -> None:
    picture = _picture()
    assert len(picture.findall(f"{SVG}polyline")) == len(CURVES)
    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert set(CURVES) <= set(words)
    assert "120 wake words, 2.00 h without any" in words


@pytest.mark.parametrize(("marked", "dots"), [((), 0), ((0.3, 0.5), 4), ((0.9,), 1), ((0.77,), 0)])
def test_marks_the_thresholds_that_were_measured(marked: tuple[float, ...], dots: int) -> None:
    assert len(_picture(marked).findall(f"{SVG}circle")) == dots


def test_more_false_accepts_lie_to_the_right_and_more_misses_higher() -> None:
    for line in _picture().findall(f"{SVG}polyline"):
        places = _points(line)
        assert places == sorted(places, key=lambda place: (-place[0], -place[1]))


def test_everything_lies_within_the_picture() -> None:
    picture = _picture()
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    for line in picture.findall(f"{SVG}polyline"):
        assert all(0 < x < width and 0 < y < height for x, y in _points(line))


def test_the_axis_is_logarithmic() -> None:
    curve = {"engine": [Operating(0.3, 99, 10.0), Operating(0.5, 98, 1.0), Operating(0.7, 97, 0.1)]}
    picture = ElementTree.fromstring(det_curve(curve, 100, 9, ()))  # noqa: S314  # our own
    line = picture.find(f"{SVG}polyline")
    assert line is not None
    (right, _), (middle, _), (left, _) = _points(line)
    assert right - middle == pytest.approx(middle - left, abs=0.2)


def test_engines_without_a_fault_can_be_drawn() -> None:
    perfect = {"engine": [Operating(0.3, 100, 0.0), Operating(0.5, 100, 0.0)]}
    assert ElementTree.fromstring(det_curve(perfect, 1, 9, (0.5,))).tag == f"{SVG}svg"  # noqa: S314  # our own
