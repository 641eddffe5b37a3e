"""Draws detection error trade-offs as SVG: false accepts an hour (logarithmic) across, missed words in percent up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from bench.wake_statistics import Operating

_WIDTH, _HEIGHT = 860, 540
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 230, 56, 66
_COLOURS = ("#0b6e4f", "#c8102e", "#1f5fbf", "#b06f00", "#6b3fa0")
_DASHES = ("none", "9 5", "2 4", "9 4 2 4", "5 3")
"""Equal engines lie on each other: the dashes let both be seen, in print too."""
_PLACES_OF_NONE = 0.5
"""No false accept at all is drawn at half the rate of one: a logarithm has no zero."""


def det_curve(curves: Mapping[str, Sequence[Operating]], hours: float, words: int, marked: Sequence[float]) -> str:
    """One line for each engine with a dot at each marked threshold; the title names what it was measured on."""
    axes = _Axes(curves, hours)
    body = [*axes.drawn(), _text(_LEFT, 26, f"{words} wake words, {hours:.2f} h without any", size=16, weight=600)]
    for number, (name, points) in enumerate(curves.items()):
        colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
        body += _curve(axes, points, marked, colour, dash)
        y = _TOP + 16 + 26 * number
        x = _WIDTH - _RIGHT + 20
        line = f'<line x1="{x}" y1="{y}" x2="{x + 36}" y2="{y}" stroke-width="2.5"'
        body += [f'{line} stroke="{colour}" stroke-dasharray="{dash}"/>', _text(x + 44, y + 5, name)]
    note_y = _TOP + 36 + 26 * len(curves)
    body.append(_text(_WIDTH - _RIGHT + 20, note_y, f"dots: {', '.join(f'{mark:g}' for mark in marked)}", size=11))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" fill="#222222">\n<title>Wake word: misses against false accepts</title>\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


class _Axes:
    """Where a rate and a share lie in the picture."""

    def __init__(self, curves: Mapping[str, Sequence[Operating]], hours: float) -> None:
        points = [point for curve in curves.values() for point in curve]
        self._least = _PLACES_OF_NONE / hours
        most = max([point.false_accepts_per_hour for point in points] + [10 * self._least])
        self._low, self._high = math.log10(self._least), math.log10(most * 1.1)
        self._most_missed = max([5.0, *(math.ceil((100 - point.hit_percent) / 5) * 5.0 for point in points)])

    def x(self, per_hour: float) -> float:
        share = (math.log10(max(per_hour, self._least)) - self._low) / (self._high - self._low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, missed_percent: float) -> float:
        return _HEIGHT - _BOTTOM - missed_percent / self._most_missed * (_HEIGHT - _TOP - _BOTTOM)

    def drawn(self) -> Iterator[str]:
        """The grid, its numbers, and what they mean."""
        left, right, top, bottom = _LEFT, _WIDTH - _RIGHT, _TOP, _HEIGHT - _BOTTOM
        rates = [digit * 10.0**power for power in range(-4, 4) for digit in (1, 2, 5)]
        ticks = [(rate, f"{rate:g}") for rate in rates if self._least * 1.25 < rate <= 10**self._high]
        for rate, label in [(self._least, "none"), *ticks]:
            x = self.x(rate)
            yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#dddddd"/>'
            yield _text(x, bottom + 20, label, anchor="middle", size=12)
        step = next(step for step in (1, 2, 5, 10, 20) if self._most_missed / step <= 8)
        for missed in range(0, int(self._most_missed) + 1, step):
            y = self.y(missed)
            yield f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#dddddd"/>'
            yield _text(left - 8, y + 4, f"{missed} %", anchor="end", size=12)
        yield _text((left + right) / 2, _HEIGHT - 18, "false accepts per hour", anchor="middle")
        yield _text(left, top - 10, "wake words missed", size=12)


def _curve(axes: _Axes, points: Sequence[Operating], marked: Sequence[float], colour: str, dash: str) -> Iterator[str]:
    places = {p.threshold: (axes.x(p.false_accepts_per_hour), axes.y(100 - p.hit_percent)) for p in points}
    path = " ".join(f"{x:.1f},{y:.1f}" for _, (x, y) in sorted(places.items()))
    yield f'<polyline points="{path}" fill="none" stroke-width="2.5" stroke="{colour}" stroke-dasharray="{dash}"/>'
    for threshold in marked:
        if threshold in places:
            x, y = places[threshold]
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#ffffff" stroke-width="2" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 14, weight: int = 400) -> str:
    style = f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
