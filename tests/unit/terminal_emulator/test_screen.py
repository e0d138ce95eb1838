"""Claims about what the customer sees."""

import pytest

from atm_switch.domain.outcome import Outcome
from terminal_emulator.answers import read_inquiry_answer
from terminal_emulator.screen import Look, screen_box, show, slip
from terminal_emulator.texts import ADVICE, WORDS, advice
from tests.unit.terminal_emulator.host import PROFILE, reply
from tests.unit.terminal_emulator.test_answers import APPROVED, QUESTION


@pytest.mark.parametrize("unicode", [True, False])
def test_drawing_fits_eighty_columns(unicode: bool) -> None:  # noqa: FBT001  a parameter
    """Every row of screen and slip is equally wide and fits an 80-column terminal."""
    result = read_inquiry_answer(QUESTION, APPROVED, PROFILE, "ID")

    rows = show(result, Look(unicode=unicode)).splitlines()

    assert {44} == {len(row) for row in rows if row}


def test_plain_look_is_plain_ascii() -> None:
    """Without Unicode and colour nothing but printable ASCII is drawn."""
    result = read_inquiry_answer(QUESTION, APPROVED, PROFILE, "ID")

    drawn = show(result, Look())

    assert drawn.replace("\n", "").isascii()
    assert drawn.replace("\n", "").isprintable()


def test_colour_is_always_put_back() -> None:
    """Each row that sets a colour ends it, so a torn page leaves the terminal plain."""
    rows = screen_box(["SALDO"], Look(colour=True)).splitlines()

    assert all(row.endswith("\033[0m") for row in rows)


def test_slip_is_torn_at_the_bottom() -> None:
    """The slip's last row is the torn edge, as wide as the paper."""
    assert "\\/" * 17 + "\\/" == slip(["x"], 32, Look()).splitlines()[-1]


def test_bare_decline_shows_its_meaning() -> None:
    """Where the host sends no screen lines, the profile's text stands in."""
    result = read_inquiry_answer(QUESTION, reply(QUESTION, "54"), PROFILE, "ID")

    assert "Kartu sudah kedaluwarsa" in show(result, Look())


@pytest.mark.parametrize("language", ["ID", "EN"])
def test_every_decline_has_an_advice(language: str) -> None:
    """Each outcome but the approval tells the customer what to do, in both languages."""
    silent = {outcome for outcome in Outcome if not advice(outcome, language)}

    assert ({Outcome.APPROVED}, set(Outcome)) == (silent, set(ADVICE))
    assert advice(None, language)


def test_both_languages_say_everything() -> None:
    """No text of the ATM is empty in either language."""
    assert all(getattr(words, name) for words in WORDS.values() for name in words.__slots__)
