"""Claims about forms: screen and slip are those composed line by line, whatever is filled in."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.money import Money
from atm_switch.switch import slip_form
from atm_switch.switch.slip import (
    Balance,
    Place,
    head_of,
    own_of,
    receipt,
    screen,
    shown_name,
    standing_of,
)
from atm_switch.switch.slip_form import screen_text, slip_text
from tests.properties.test_slip import BALANCES, PLACES, WORDS
from tests.unit.switch.test_slip import GOLDEN, PLACE
from tests.unit.switch.test_slip import WORDS as WORDS_BY_LANGUAGE

NAMES = st.sampled_from(
    ["", " ", "A", "A  B", "\u00a8AB", "JO\u00c3O", "X" * 26, "X" * 27, "N " * 20]
)


def by_form(balance: Balance, place: Place | None, words: Any, width: int) -> str:
    """The slip, or without a place the screen."""
    own = own_of(balance, shown_name(balance.participant))
    standing = standing_of(balance)
    if place is None:
        return screen_text(own, standing, words, width)
    return slip_text(head_of(place, words, width), own, standing, words, width)


@given(BALANCES, PLACES, WORDS, st.sampled_from([32, 37, 38, 40, 80]))
def test_forms_say_what_lines_say(balance: Balance, place: Place, words: Any, width: int) -> None:
    """For any member, amount, bank, time and width the text is that of the lines, to the space."""
    assert screen(balance, words, width).text() == by_form(balance, None, words, width)
    assert receipt(balance, place, words, width).text() == by_form(balance, place, words, width)


@given(NAMES, st.integers(1, 100))
def test_forms_say_what_lines_say_of_any_name(name: str, kpj_count: int) -> None:
    """A name that is broken, empty, or whose spaces lines do not keep is told as by lines."""
    member = replace(GOLDEN.participant, name=name, kpj_count=kpj_count)
    balance = Balance(member, GOLDEN.statement)
    words = WORDS_BY_LANGUAGE["ID"]

    assert screen(balance, words, 40).text() == by_form(balance, None, words, 40)
    assert receipt(balance, PLACE, words, 40).text() == by_form(balance, PLACE, words, 40)


def test_words_of_a_profile_may_have_any_character() -> None:
    """A per cent sign in a label is no place, and a label that breaks its line still does."""
    words = replace(
        WORDS_BY_LANGUAGE["ID"], claims="KLAIM 100%s", opening="SALDO AWAL TAHUN 1 JANUARI"
    )

    assert screen(GOLDEN, words, 40).text() == by_form(GOLDEN, None, words, 40)
    assert receipt(GOLDEN, PLACE, words, 40).text() == by_form(GOLDEN, PLACE, words, 40)


def test_common_members_are_not_composed_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second member of one standing is filled in, whatever is on the account, and so long."""
    words, place = WORDS_BY_LANGUAGE["ID"], PLACE
    by_form(GOLDEN, None, words, 40)
    by_form(GOLDEN, place, words, 40)
    statement = replace(GOLDEN.statement, opening=Money(99_900_000_000_000), claims=Money(1))
    other = Balance(replace(GOLDEN.participant, name="SITI AMINAH"), statement)
    wanted = [screen(other, words, 40).text(), receipt(other, place, words, 40).text()]
    for composed in ("screen_of", "slip_of"):
        monkeypatch.delattr(slip_form, composed)

    assert wanted == [by_form(other, None, words, 40), by_form(other, place, words, 40)]


def test_lines_too_wide_for_their_block_are_refused_as_ever() -> None:
    """Words that make a line wider than the block raise ``ValueError``, by form as by lines."""
    words = replace(WORDS_BY_LANGUAGE["ID"], kpj="NOMOR KEPESERTAAN BPJS KETENAGAKERJAAN")

    with pytest.raises(ValueError, match="do not fit"):
        screen(GOLDEN, words, 40).text()
    with pytest.raises(ValueError, match="do not fit"):
        by_form(GOLDEN, None, words, 40)
