"""Claims about reading the host's answers."""

import pytest

from atm_switch.domain.outcome import Outcome
from atm_switch.wire.message import IsoMessage
from terminal_emulator.answers import read_inquiry_answer, read_network_answer
from tests.unit.terminal_emulator.host import APPROVAL, PAN, PROFILE, reply
from tests.unit.terminal_emulator.test_terminal import BY_CARD, MOMENT, terminal

QUESTION = terminal().inquiry(PAN, BY_CARD, MOMENT)
APPROVED = reply(QUESTION, added=APPROVAL)


def test_approval_is_read_into_amounts() -> None:
    """The golden answer becomes the golden balance, both amounts of DE54, screen and slip."""
    result = read_inquiry_answer(QUESTION, APPROVED, PROFILE, "ID")

    assert result.balance is not None
    assert "21629644.73" == result.balance.closing.plain()
    assert [2_162_964_473] * 2 == [amount.minor for amount in result.amounts]
    assert (2, 2) == (
        len(result.screen.lines) if result.screen else 0,
        len(result.receipt.lines) if result.receipt else 0,
    )


def test_result_holds_no_card_number() -> None:
    """Neither the result nor its repr holds the PAN, only its mask."""
    result = read_inquiry_answer(QUESTION, APPROVED, PROFILE, "ID")

    assert "999009******0012" == result.pan_masked
    assert PAN not in repr(result)


def test_decline_needs_no_balance() -> None:
    """A decline with its code alone is understood, and named in the language asked for."""
    result = read_inquiry_answer(QUESTION, reply(QUESTION, "55"), PROFILE, "EN")

    assert (Outcome.WRONG_PIN, "Incorrect PIN", False) == (
        result.outcome,
        result.text,
        result.is_approved,
    )


def test_fault_of_a_format_error_is_kept() -> None:
    """DE44 of a 30 says which element was at fault."""
    answer = reply(QUESTION, "30", {44: "DE048"})

    assert "DE048" == read_inquiry_answer(QUESTION, answer, PROFILE, "ID").fault


def test_code_outside_the_profile_is_named() -> None:
    """A DE39 the profile lacks is no approval, and the text says so."""
    result = read_inquiry_answer(QUESTION, reply(QUESTION, "77"), PROFILE, "ID")

    assert (None, False) == (result.outcome, result.is_approved)
    assert "77" in result.text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({48: APPROVED[48].replace("47047", "47048")}, "DE048: the closing balance is not the sum"),
        ({54: "1002360C000000000001"}, "DE054: disagrees"),
        ({62: "S4003" + " " * 40}, "DE062: the text block says 3 lines"),
        ({62: "R4001" + " " * 40}, "DE062: a text block of kind R"),
        ({63: "S4001" + " " * 40}, "DE063: a text block of kind S"),
        ({37: "000000000000"}, "DE037: came back changed"),
        ({41: "OTHER123"}, "DE041: came back changed"),
    ],
)
def test_nonsense_is_named_by_its_element(changed: dict[int, str], sentence: str) -> None:
    """What cannot be right is refused with the number of the element at fault."""
    answer = IsoMessage(APPROVED.mti, {**APPROVED.elements, **changed})

    with pytest.raises(ValueError, match=sentence):
        read_inquiry_answer(QUESTION, answer, PROFILE, "ID")


@pytest.mark.parametrize("number", [39, 48, 62])
def test_approval_with_a_gap_is_nonsense(number: int) -> None:
    """An approval without code, balance or screen is refused by the element's number."""
    with pytest.raises(ValueError, match=f"DE0{number}: an "):
        read_inquiry_answer(QUESTION, APPROVED.without(number), PROFILE, "ID")


def test_answer_of_another_kind_is_refused() -> None:
    """An 0810 does not answer an 0200."""
    with pytest.raises(ValueError, match="0810 does not answer 0200"):
        read_network_answer(QUESTION, IsoMessage("0810", {39: "00"}), PROFILE, "EN")
