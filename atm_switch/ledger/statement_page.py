"""The printed statement as marks on one A4 page, for whatever draws them.

Plan: ``page_of`` places texts, lines and boxes once; ``statement_svg.py`` and
``statement_pdf.py`` draw the same marks.  Origin top left, points of 1/72 inch, texts by
their baseline.
Limits: pure.  One page: of more than ``YEARS_MAX`` years the oldest share a row.  Text is
placed for sans-serif faces up to the width of DejaVu Sans; an amount may have fourteen
digits and a sign in every column, a name a hundred letters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from atm_switch.domain.member import Participant
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.statement import Statement
from atm_switch.ledger.statement_words import StatementWords
from atm_switch.ledger.year_table import YearRow, fold_years
from atm_switch.switch.slip import percent

WIDTH, HEIGHT = 595.28, 841.89
"""A4 (ISO 216) in points."""
LEFT, RIGHT = 42.0, 553.0
YEARS_MAX: Final = 40

INK, GREY, FAINT, ACCENT = "#1a1a1a", "#5f5f5f", "#d9d9d9", "#1f6f54"
"""Legible in black and white too: ink 17:1, grey 6:1, accent 6:1 on white."""

_WIDEST: Final = 0.69
"""Mean advance of capitals in DejaVu Sans, the widest of the faces, in em."""
_COLUMN: Final = 79.5
_ESTIMATE: Final = "*"


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; ``anchor`` says which of its ends ``x`` is: start, middle or end."""

    x: float
    y: float
    text: str
    size: float = 9.0
    anchor: str = "start"
    is_bold: bool = False
    shade: str = INK


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; lines are thin ones."""

    x: float
    y: float
    width: float
    height: float
    shade: str = INK


Mark = Text | Box


@dataclass(frozen=True, slots=True)
class StatementSheet:
    """What a page tells: the member, the statement and its years, oldest first."""

    participant: Participant
    statement: Statement
    years: tuple[YearRow, ...]
    words: StatementWords
    additional: Money = ZERO
    """What of the balance the additional account holds; said where it holds anything."""


def page_of(sheet: StatementSheet) -> tuple[Mark, ...]:
    """Lay the page out."""
    return (
        *_head(sheet),
        *_member(sheet),
        *_summary(sheet),
        *_chart(sheet),
        *_table(sheet),
        *_notes(sheet),
    )


def _head(sheet: StatementSheet) -> Iterator[Mark]:
    words = sheet.words
    day = f"{sheet.statement.as_of:%d/%m/%Y}"
    yield Text(LEFT, 56, words.title, 14, is_bold=True)
    yield Text(LEFT, 71, words.organisation, 9, shade=GREY)
    yield Text(RIGHT, 71, words.as_of.replace("{date}", day), 9, "end", shade=GREY)
    yield Box(LEFT, 79, RIGHT - LEFT, 1.6, ACCENT)


def _member(sheet: StatementSheet) -> Iterator[Mark]:
    member, words = sheet.participant, sheet.words
    last = sheet.statement.last_contribution
    state = f"{words.segments[member.segment.value]}, {words.states[member.status.value]}"
    middle = 330.0
    places = (
        (LEFT, 98.0, words.name, member.masked_name, RIGHT),
        (LEFT, 113.0, words.kpj, member.kpj.masked, middle),
        (middle, 113.0, words.last_contribution, f"{last:%m/%Y}" if last else words.none, RIGHT),
        (LEFT, 128.0, words.membership, state, RIGHT),
    )
    for x, y, label, value, until in places:
        yield Text(x, y, label, shade=GREY)
        start = x + 92
        yield Text(start, y, value, _fitting(value, until - start, 9.0), is_bold=y < 100)


def _summary(sheet: StatementSheet) -> Iterator[Mark]:
    said, words = sheet.statement, sheet.words
    development = words.estimated if said.is_estimate else words.booked
    rows = (
        (words.opening, said.opening),
        (words.contributions, said.contributions),
        (development.replace("{rate}", percent(said.rate_millipercent)), said.development),
        (words.claims, -said.claims),
    )
    y = 152.0
    for label, amount in rows:
        yield Text(LEFT, y, label, 10)
        yield from _rupiah(y, amount, 10, is_bold=False)
        yield Box(LEFT, y + 4.5, RIGHT - LEFT, 0.4, FAINT)
        y += 17
    yield Text(LEFT, y + 3, words.closing, 13, is_bold=True, shade=ACCENT)
    yield from _rupiah(y + 3, said.closing, 13, is_bold=True)
    if sheet.additional.sen:
        yield Text(LEFT, y + 16, words.additional, 9, shade=GREY)
        yield from _rupiah(y + 16, sheet.additional, 9, is_bold=False)


def _rupiah(y: float, amount: Money, size: float, *, is_bold: bool) -> Iterator[Mark]:
    yield Text(RIGHT - 190, y, "Rp", size, is_bold=is_bold)
    yield Text(RIGHT, y, amount.indonesian(), size, "end", is_bold=is_bold)


def _chart(sheet: StatementSheet) -> Iterator[Mark]:
    """Draw a bar for each year; below zero there is none."""
    rows = fold_years(sheet.years, YEARS_MAX)
    top, foot = 266.0, 336.0
    yield Text(LEFT, 252, sheet.words.chart, 9, is_bold=True)
    most = max(1, *(row.closing.sen for row in rows), 1)
    step = min((RIGHT - LEFT) / len(rows), 60.0)
    every = 1 + 24 // max(1, int(step))
    for at, row in enumerate(rows):
        tall = (foot - top) * max(0, row.closing.sen) / most
        x = LEFT + at * step
        shade = GREY if row.is_estimate else ACCENT
        if tall:
            yield Box(x + step * 0.14, foot - tall, step * 0.72, tall, shade)
        if (len(rows) - 1 - at) % every == 0:
            yield Text(x + step / 2, foot + 9, str(row.year), 6.5, "middle", shade=GREY)
    yield Box(LEFT, foot, RIGHT - LEFT, 0.6, GREY)


def _table(sheet: StatementSheet) -> Iterator[Mark]:
    rows = fold_years(sheet.years, YEARS_MAX)
    top, foot = 366.0, 766.0
    step = min(15.0, (foot - top - 2.5) / len(rows))
    figures = [amount.indonesian() for row in rows for amount in _of_year(row)]
    size = min(7.0, step * 0.72, (_COLUMN - 4) / max(map(_figure_width, figures)))
    yield from _cells(sheet.words.columns, top, size, is_bold=True)
    yield Box(LEFT, top + step * 0.32, RIGHT - LEFT, 0.8, INK)
    for at, row in enumerate(rows, start=1):
        y = top + 2.5 + at * step
        is_folded = at == 1 and len(sheet.years) > len(rows)
        year = sheet.words.up_to.replace("{year}", str(row.year)) if is_folded else str(row.year)
        yield from _cells((year, *(amount.indonesian() for amount in _of_year(row))), y, size)
        if row.is_estimate:
            yield Text(_column(4) + 1.5, y, _ESTIMATE, size)
        yield Box(LEFT, y + step * 0.25, RIGHT - LEFT, 0.3, FAINT)


def _of_year(row: YearRow) -> tuple[Money, ...]:
    return (
        row.opening, row.contributions, row.adjustments, row.development, -row.claims,
        row.closing,
    )  # fmt: skip


def _figure_width(figure: str) -> float:
    """Return how wide an amount is in DejaVu Sans, in em."""
    digits = sum(letter.isdigit() for letter in figure)
    return 0.636 * digits + 0.361 * (len(figure) - digits)


def _cells(
    texts: tuple[str, ...], y: float, size: float, *, is_bold: bool = False
) -> Iterator[Mark]:
    yield Text(LEFT, y, texts[0], size, is_bold=is_bold)
    for at, text in enumerate(texts[1:], start=1):
        fits = _fitting(text, _COLUMN - 3.5, size) if is_bold else size
        yield Text(_column(at), y, text, fits, "end", is_bold=is_bold)


def _column(at: int) -> float:
    """Return the right end of the amounts' column ``at``, 1 to 6."""
    return RIGHT - (6 - at) * _COLUMN


def _notes(sheet: StatementSheet) -> Iterator[Mark]:
    words, said = sheet.words, sheet.statement
    rate = percent(said.rate_millipercent)
    lines = (words.estimate_note.replace("{rate}", rate),) if said.is_estimate else ()
    y = 786.0
    for line in (*lines, *words.notes):
        yield Text(LEFT, y, line, _fitting(line, (RIGHT - LEFT) * 1.15, 7.5), shade=GREY)
        y += 10.5


def _fitting(text: str, width: float, size: float) -> float:
    """Return ``size``, or a smaller one at which ``text`` is no wider than ``width``."""
    return min(size, round(width / (_WIDEST * max(1, len(text))), 2))
