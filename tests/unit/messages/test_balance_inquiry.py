"""Reading an inquiry: the form is judged element by element, the content not yet believed."""

from datetime import UTC, datetime, timedelta

import pytest

from atm_switch.domain.card import Expiry
from atm_switch.domain.errors import Declined
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.balance_inquiry import BalanceInquiry, read_balance_inquiry
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage

PROFILE = load_profile("bpjstk-jht-v1")
NEAR = datetime(2025, 6, 30, 7, 25, 7, tzinfo=UTC)
PAN = "9990090000000012"
GOLDEN = IsoMessage(
    "0200",
    {
        2: PAN, 3: "310000", 4: "000000000000", 7: "0630072507", 11: "000123", 12: "142507",
        13: "0630", 15: "0701", 18: "6011", 22: "051", 25: "02", 32: "009", 37: "518107000123",
        41: "S1ABC123", 42: "BNI000000000001", 43: "ATM KC HARMONI        JAKARTA       ID  ",
        48: "JHTBAL0000000000000000000000000000ID0040", 49: "360",
    },
)  # fmt: skip


def read(changes: dict[int, str] | None = None) -> BalanceInquiry:
    """Read the golden request with some elements changed or put in."""
    message = GOLDEN
    for number, text in (changes or {}).items():
        message = message.with_element(number, text)
    return read_balance_inquiry(message.elements, PROFILE, NEAR)


def refusal_of(changes: dict[int, str]) -> Declined:
    """Return the refusal the changed request gets."""
    with pytest.raises(Declined) as caught:
        read(changes)
    return caught.value


def test_golden_request_is_read_whole() -> None:
    """
    Who asks, from where, when, about which card.
    """
    inquiry = read()

    named = (inquiry.acquirer, inquiry.terminal, inquiry.channel, inquiry.stan, inquiry.rrn)
    assert ["009", "S1ABC123", "6011", "000123", "518107000123"] == [str(name) for name in named]
    assert (NEAR, PAN) == (inquiry.sent_at, inquiry.pan.digits)
    assert (None, None) == (inquiry.expiry, inquiry.pin_block)


def test_optional_elements_are_read_when_sent() -> None:
    """
    Expiry and PIN block come as values that cannot be printed.
    """
    inquiry = read({14: "3012", 52: "0123456789ABCDEF", 35: f"{PAN}=30121011234"})

    assert Expiry("3012") == inquiry.expiry
    assert inquiry.pin_block is not None
    assert bytes.fromhex("0123456789ABCDEF") == inquiry.pin_block.reveal()
    assert "0123456789ABCDEF" not in repr(inquiry)


def test_inquiry_does_not_print_the_card() -> None:
    """
    The representation has the masked number only.
    """
    assert PAN not in repr(read())
    assert "999009******0012" in repr(read())


def test_year_of_de7_is_the_nearest() -> None:
    """
    DE7 has no year; at New Year the one nearest to now counts.
    """
    inquiry = read_balance_inquiry(
        GOLDEN.with_element(7, "1231235959").elements, PROFILE, datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=1) == inquiry.sent_at


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (7, "1332250000"), (7, "0230072507"), (7, "0630242507"),
        (12, "240000"), (12, "236000"), (12, "235960"),
        (13, "0000"), (13, "1301"), (13, "0132"), (15, "0700"),
        (14, "0000"), (14, "3013"),
        (35, f"{PAN}=3012"), (35, "9990090000000020=30121011234"),
        (41, "        "), (41, " S1ABC12"),
        (48, "JHTBAL"), (48, "JHTBAL0000000000000000000000000000ID0041"),
        (49, "840"),
    ],
)  # fmt: skip
def test_misshapen_element_is_a_format_error(number: int, text: str) -> None:
    """
    The refusal is 30, names the element, and does not quote it.
    """
    refusal = refusal_of({number: text})

    assert (Outcome.FORMAT_ERROR, number) == (refusal.outcome, refusal.data_element)
    assert text not in str(refusal)


def test_track_and_expiry_must_agree() -> None:
    """
    Track 2 with another expiry than DE14 is two cards in one message.
    """
    refusal = refusal_of({14: "3011", 35: f"{PAN}=30121011234"})

    assert 35 == refusal.data_element


def test_amount_of_an_inquiry_is_zero() -> None:
    """
    Whoever asks for a balance moves no money: 13.
    """
    assert Outcome.AMOUNT_NOT_ZERO is refusal_of({4: "000000000001"}).outcome


@pytest.mark.parametrize("pan", ["9990090000000013", "999009000000001", "9", "9" * 19])
def test_impossible_card_number_is_its_own_refusal(pan: str) -> None:
    """
    A wrong check digit or length is 14, not 30, and is not quoted.
    """
    refusal = refusal_of({2: pan})

    assert Outcome.BAD_PAN is refusal.outcome
    assert pan == "9" or pan not in str(refusal)


def test_form_is_judged_before_amount_and_card() -> None:
    """
    With several things wrong the format error comes first, the card last.
    """
    wrong = {2: "9", 4: "000000000001", 12: "990000"}

    assert Outcome.FORMAT_ERROR is refusal_of(wrong).outcome
    assert Outcome.AMOUNT_NOT_ZERO is refusal_of({n: wrong[n] for n in (2, 4)}).outcome
