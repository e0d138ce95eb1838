"""What a loaded profile answers when it is asked."""

import pytest

from atm_switch.domain.outcome import Outcome
from atm_switch.profile.load import load_profile

PROFILE = load_profile("bpjstk-jht-v1")


@pytest.mark.parametrize(
    ("code", "fits"),
    [
        ("310000", True),
        ("311099", True),
        ("380000", True),
        ("370000", True),
        ("380001", False),
        ("300000", False),
        ("31000", False),
        ("3100000", False),
        ("31x000", False),
        ("31\u0660\u0660\u0660\u0660", False),
    ],
)
def test_processing_codes_fit_their_patterns_exactly(code: str, *, fits: bool) -> None:
    """
    31xxxx is any inquiry, the aliases stand for themselves; ``x`` is one ASCII digit.
    """
    assert fits is PROFILE.messages["inquiry"].has_processing_code(code)


@pytest.mark.parametrize(
    ("mti", "name"),
    [("0800", "network"), ("0200", "inquiry"), ("0201", "inquiry"), ("0421", "reversal")],
)
def test_rule_is_found_by_its_mti(mti: str, name: str) -> None:
    """
    Each MTI belongs to one kind of message.
    """
    rule = PROFILE.rule_of(mti)

    assert rule is not None
    assert name == rule.name


@pytest.mark.parametrize("mti", ["0100", "0210", "0810", "020", ""])
def test_other_mti_has_no_rule(mti: str) -> None:
    """
    What is not listed is not known.
    """
    assert PROFILE.rule_of(mti) is None


CODES = {
    "approved": "00", "not_signed_on": "58", "terminal_not_listed": "58",
    "unsupported_transaction": "12", "amount_not_zero": "13", "bad_pan": "14",
    "format_error": "30", "acquirer_not_allowed": "31", "channel_not_allowed": "40",
    "card_expired": "54", "wrong_pin": "55", "card_not_linked": "56", "not_permitted": "57",
    "card_blocked": "62", "mac_wrong": "63", "too_many_inquiries": "65", "stale_request": "68",
    "pin_tries_exceeded": "75", "balance_not_available": "88", "cut_off_running": "90",
    "ledger_unavailable": "91", "duplicate": "94", "internal_error": "96",
}  # fmt: skip


def test_codes_are_those_of_the_design() -> None:
    """
    DE39 of every outcome, as the design page gives them.
    """
    assert CODES == {outcome.value: PROFILE.code_of(outcome) for outcome in Outcome}


@pytest.mark.parametrize(
    ("language", "text"),
    [("ID", "Kartu diblokir"), ("EN", "Restricted card"), ("JV", "Kartu diblokir"), ("", None)],
)
def test_unknown_language_gets_the_first(language: str, text: str | None) -> None:
    """
    A member whose language is not known still reads something.
    """
    expected = text or "Kartu diblokir"

    assert expected == PROFILE.outcome_text(Outcome.CARD_BLOCKED, language)
