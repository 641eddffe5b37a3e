"""A report as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

from speakerd.ledger.report import Period, Report
from speakerd.settings_budget import NANO_PER_USD

_BLOCKS = " ▏▎▍▌▋▊▉█"
_WIDEST_BAR = 60
_ROOM_BESIDE_BAR = 20


def lines(report: Report, width: int, *, blocks: bool = True, zone: tzinfo | None = None) -> Iterator[str]:
    """The report in lines, with bars that fit into `width` characters; `blocks` unless it must be ASCII."""
    yield from _periods(report)
    yield ""
    yield f"{len(report.days)} days: {usd(report.spent_nano_usd)}{_estimated(report)}"
    yield from _bars(report, width, blocks)
    yield from _table("tool", [(row.tool, _count(row.calls), usd(row.spent_nano_usd)) for row in report.tools])
    models = [
        (f"{row.endpoint} {row.model}".strip() or "carried over", _count(row.bookings), usd(row.spent_nano_usd))
        for row in report.models
    ]
    yield from _table("endpoint and model", models)
    yield from _tokens(report)
    yield from _conversations(report, zone)


def usd(nano_usd: int) -> str:
    """Dollars with four decimals; what is less than that is not nothing."""
    if 0 < nano_usd < NANO_PER_USD // 10_000:
        return "<$0.0001"
    return f"${nano_usd / NANO_PER_USD:.4f}"


def _periods(report: Report) -> Iterator[str]:
    for name, period in (("today", report.today), ("this month", report.month)):
        yield f"{name:<11} {usd(period.spent_nano_usd):>9}  {_left(period)}"
    if report.conversation_cap_nano_usd is not None:
        yield f"a conversation may cost {_cap(report.conversation_cap_nano_usd)}"
    if report.counts_since is not None:
        yield f"Not all is known of before {report.counts_since}, because the ledger was damaged."


def _left(period: Period) -> str:
    if period.cap_nano_usd is None or period.left_nano_usd is None:
        return "no limit"
    return f"of {_cap(period.cap_nano_usd)}, {usd(period.left_nano_usd)} left"


def _cap(nano_usd: int) -> str:
    dollars = nano_usd / NANO_PER_USD
    return f"${dollars:.2f}" if round(dollars, 2) == dollars else f"${dollars:g}"


def _estimated(report: Report) -> str:
    guess = report.estimated_nano_usd
    return f", of which {usd(guess)} is a guess, because a connection broke" if guess else ""


def _bars(report: Report, width: int, blocks: bool) -> Iterator[str]:
    room = max(1, min(_WIDEST_BAR, width - _ROOM_BESIDE_BAR))
    most = max((day.spent_nano_usd for day in report.days), default=0) or 1
    for day in report.days:
        yield f"  {day.day[5:]} {bar(day.spent_nano_usd / most * room, blocks)} {_of_day(day.spent_nano_usd)}".rstrip()


def _of_day(nano_usd: int) -> str:
    return usd(nano_usd) if nano_usd else ""


def bar(length: float, blocks: bool) -> str:
    """A bar of so many characters; what is not nothing shows."""
    if not blocks:
        return "#" * max(round(length), 1 if length else 0)
    eighths = max(round(length * 8), 1 if length else 0)
    return _BLOCKS[8] * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")


def _table(heading: str, rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    name, count, spent = _widths([(heading, "times", "spent"), *rows])
    for row in ((heading, "times", "spent"), *rows):
        indent = "" if row[0] == heading else "  "
        yield f"{indent + row[0]:<{name + 2}}  {row[1]:>{count}}  {row[2]:>{spent}}"


def _tokens(report: Report) -> Iterator[str]:
    used = [row for row in report.tokens if row.tokens_in or row.tokens_out]
    if not used and not report.transcribed_seconds:
        return
    yield ""
    yield "tokens"
    for row in used:
        share = "" if row.cached_share is None else f" ({row.cached_share:.0%} cached)"
        yield f"  {row.kind:<6} {_count(row.tokens_in):>11} in{share}, {_count(row.tokens_out)} out"
    if report.transcribed_seconds:
        yield f"  transcripts of {report.transcribed_seconds / 60:.1f} minutes"


def _conversations(report: Report, zone: tzinfo | None) -> Iterator[str]:
    if report.conversations:
        yield ""
        yield "latest conversations"
    for talk in report.conversations:
        began = datetime.fromisoformat(talk.began).astimezone(zone)
        responses = f"{talk.responses} response{'s' * (talk.responses != 1)}"
        spent = f"{usd(talk.spent_nano_usd):>9}"
        yield f"  {began:%Y-%m-%d %H:%M}  {spent}  {responses}  {', '.join(talk.tools)}".rstrip()


def _count(number: int) -> str:
    return f"{number:,}"


def _widths(rows: Iterable[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]
