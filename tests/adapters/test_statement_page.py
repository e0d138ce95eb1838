"""The printed page: everything on it, nothing over another, the same in SVG and PDF."""

import builtins
import itertools
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.statement import Statement
from atm_switch.ledger.statement_page import (
    HEIGHT,
    LEFT,
    RIGHT,
    YEARS_MAX,
    Box,
    StatementSheet,
    Text,
    page_of,
)
from atm_switch.ledger.statement_pdf import pdf_of
from atm_switch.ledger.statement_svg import svg_of
from atm_switch.ledger.statement_words import ENGLISH, INDONESIAN, WORDS
from atm_switch.ledger.year_table import YearRow

SVG = "{http://www.w3.org/2000/svg}"
G1 = Money(1_940_947_047)
MOST = Money(10**14 - 1)
NARROW = {",": 0.318, ".": 0.318, "-": 0.361, " ": 0.318, "*": 0.5}
"""Advances of DejaVu Sans in em; its digits have 0.636, its bold capitals up to 0.9."""


def row(year: int, amount: Money, *, is_estimate: bool = False) -> YearRow:
    """Return a year with the same amount in most columns."""
    return YearRow(year, amount, amount, -amount, amount, amount, is_estimate)


def sheet(years: int = 5, amount: Money = G1, **how: Any) -> StatementSheet:
    """Return Budi's statement of June 2025 after so many years."""
    rows = tuple(
        row(2025 - years + at, amount, is_estimate=at == years) for at in range(1, years + 1)
    )
    said = Statement(
        as_of=date(2025, 6, 30), opening=amount, contributions=ZERO, development=ZERO,
        claims=ZERO, rate_millipercent=5_000, is_estimate=True, last_contribution=date(2025, 6, 1),
    )  # fmt: skip
    budi = Participant(
        Kpj("12345678901"), "p", "BUDI SANTOSO", Segment.WAGE_EARNER, MemberStatus.ACTIVE, 1
    )
    made = StatementSheet(budi, said, rows, INDONESIAN)
    return replace(made, **how)


def texts_of(page: StatementSheet) -> list[Text]:
    """Return the texts of a page."""
    return [mark for mark in page_of(page) if isinstance(mark, Text)]


def extent(text: Text) -> tuple[float, float]:
    """Return where a figure begins and ends if drawn in the widest face."""
    wide = text.size * sum(NARROW.get(letter, 0.636) for letter in text.text)
    start = {"start": text.x, "middle": text.x - wide / 2, "end": text.x - wide}[text.anchor]
    return start, start + wide


def words_of(page: StatementSheet) -> str:
    """Return all words of a page."""
    return "\n".join(text.text for text in texts_of(page))


def test_page_tells_the_whole_statement() -> None:
    """
    Member, standing, the amounts with rate and flag, and the note of the estimate are there.
    """
    words = words_of(sheet())

    for told in (
        "BU** SAN****", "*******8901", "Penerima Upah (PU), Aktif", "06/2025", "30/06/2025",
        "19.409.470,47", "Hasil pengembangan *), estimasi 5,00 %", "estimasi dengan tingkat 5,00 %",
        "bukan bukti klaim",
    ):  # fmt: skip
        assert told in words
    assert "BUDI" not in words
    assert "12345678901" not in words


def test_final_statement_has_no_estimate_note() -> None:
    """
    Once the year is booked neither the mark nor the note of an estimate is there.
    """
    made = sheet()
    final = replace(made, statement=replace(made.statement, is_estimate=False))

    booked = replace(final, years=(row(2025, ZERO),))

    assert "estimasi" not in words_of(booked)
    assert "*" not in {text.text for text in texts_of(booked)}


def test_languages_have_the_same_page() -> None:
    """
    In English the same marks stand in the same places, in other words.
    """
    first, second = texts_of(sheet()), texts_of(sheet(words=ENGLISH))

    assert [(text.x, text.y) for text in first] == [(text.x, text.y) for text in second]
    assert "Development *), estimated at 5,00 %" in words_of(sheet(words=ENGLISH))
    assert {"id", "en"} == set(WORDS)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 125),
    st.integers(0, MOST.sen).map(Money),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", min_size=1, max_size=100).filter(str.strip),
    st.sampled_from([INDONESIAN, ENGLISH]),
)
def test_nothing_leaves_the_page(years: int, amount: Money, name: str, words: Any) -> None:
    """
    However many years and digits and however long the name, all stands within the margins.
    """
    made = sheet(years, amount, words=words)
    named = replace(made, participant=replace(made.participant, name=name))

    for mark in page_of(named):
        assert 40 < mark.y < HEIGHT - 20
        if isinstance(mark, Box):
            assert LEFT - 0.01 <= mark.x <= mark.x + mark.width <= RIGHT + 0.01
            assert mark.height >= 0
        elif mark.text[:1].isdigit():
            start, end = extent(mark)
            assert LEFT - 8 <= start <= end <= RIGHT + 8


@pytest.mark.parametrize("years", [1, 7, 20, 40, 60])
def test_greatest_amounts_do_not_touch(years: int) -> None:
    """
    Fourteen digits in every column, signs too, and still a gap between any two figures of a
    line; lines are further apart than their letters are tall.
    """
    texts = [text for text in texts_of(sheet(years, MOST)) if text.y > 370]

    lines: dict[float, list[Text]] = {}
    for text in texts:
        if text.text[:1] in "-0123456789":
            lines.setdefault(text.y, []).append(text)
    for line in lines.values():
        places = sorted(extent(text) for text in line)
        assert all(left[1] + 1 < right[0] for left, right in itertools.pairwise(places))
    sizes = [line[0].size for line in lines.values()]
    gaps = [after - before for before, after in itertools.pairwise(sorted(lines))]
    assert all(gap > max(sizes) for gap in gaps)


def test_too_many_years_share_a_row() -> None:
    """
    Of sixty years the oldest twenty-one are one row, which says up to which year.
    """
    texts = [text.text for text in texts_of(sheet(60)) if text.x == LEFT and text.y > 370]

    assert "s.d. 1986" == texts[0]
    assert ["1987", "2025"] == [texts[1], texts[YEARS_MAX - 1]]


def test_negative_balance_has_no_bar() -> None:
    """
    A balance below zero is written but draws nothing downwards.
    """
    bars = [
        mark
        for mark in page_of(sheet(2, Money(-500)))
        if isinstance(mark, Box) and 260 < mark.y < 336
    ]

    assert [] == bars


def test_svg_stands_alone() -> None:
    """
    The SVG is well-formed, of A4 size, and asks nothing from elsewhere.
    """
    drawn = svg_of(sheet(participant=replace(sheet().participant, name="<SITI> & 'É'")))

    root = ET.fromstring(drawn)  # noqa: S314 - our own file
    assert ("210mm", "297mm") == (root.get("width"), root.get("height"))
    assert drawn.count("http") == 1
    assert not {"image", "use", "script", "style", "a"} & {
        element.tag.removeprefix(SVG) for element in root.iter()
    }


def test_svg_has_every_mark_of_page() -> None:
    """
    Each text and box of the page is in the SVG, in the order they are laid out.
    """
    root = ET.fromstring(svg_of(sheet()))  # noqa: S314 - our own file

    assert [text.text for text in texts_of(sheet())] == [
        element.text for element in root.iter(f"{SVG}text")
    ]
    boxes = [mark for mark in page_of(sheet()) if isinstance(mark, Box)]
    assert len(boxes) + 1 == len(list(root.iter(f"{SVG}rect")))


def test_pdf_is_one_page_each_time_the_same() -> None:
    """
    The same statement is the same bytes: one page, with nothing embedded or linked.
    """
    first, second = pdf_of(sheet(60, MOST)), pdf_of(sheet(60, MOST))

    assert first == second
    assert b"%PDF-" == first[:5]
    assert b"/Count 1\n" in first
    assert not any(word in first for word in (b"/URI", b"/FontFile", b"/JavaScript"))


def test_pdf_takes_foreign_letters() -> None:
    """
    Letters the standard faces lack do not stop the page.
    """
    foreign = replace(sheet().participant, name="ŁUKASZ 王小明")

    assert b"%PDF-" == pdf_of(sheet(participant=foreign))[:5]


def test_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without fpdf2 the refusal says how to get it and that an SVG needs nothing.
    """
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "fpdf":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(Refused, match=r"pip install 'atm-switch\[pdf\]', or take --svg"):
        pdf_of(sheet())
