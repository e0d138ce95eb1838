"""Amounts beyond DE54's twelve digits and beyond DE48's fourteen, through the whole switch."""

from dataclasses import replace
from datetime import date

import pytest

from atm_switch.domain.accrual import DevelopmentRate, RateTable
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.statement import AccountHistory
from atm_switch.messages.amounts import AMOUNT_MAX, read_amounts
from atm_switch.messages.inquiry_data import read_balance_data
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BUDI, Bench
from tests.doubles.inquiries import block_of, de48, signed_on

PROFILE = load_profile("bpjstk-jht-v1")
DIALECTS = ["bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic"]
DE48_MAX = Money(10**14 - 1)


def booked(opening: Money, *, claimed: Money = ZERO) -> AccountHistory:
    """Return an account that closes at opening less claims, where the year brings nothing."""
    claim = Posting(date(2025, 6, 30), PostingKind.CLAIM, -claimed)
    history = AccountHistory(2025, opening, (), has_postings=True, last_contribution=None)
    return replace(history, postings=(claim,)) if claimed.sen else history


def answered(bench: Bench, history: AccountHistory, width: int = 40, rate: int = 0) -> IsoMessage:
    """Ask for the balance of an account with this history, at so many thousandths of a percent."""
    bench.house.rates = RateTable([DevelopmentRate(2025, rate, is_published=True)])
    bench.memory.histories[BUDI] = lambda _: history
    return bench.ask(bench.inquiry({48: de48(width=width)}))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_greatest_amount_of_de54_is_there(dialect: str) -> None:
    """
    Twelve digits are carried twice in DE54, to the sen, in every dialect.
    """
    response = answered(signed_on(profile=dialect), booked(Money(AMOUNT_MAX)))

    assert "00" == response[39]
    assert [AMOUNT_MAX] * 2 == [entry.minor for entry in read_amounts(response[54])]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("closing", [Money(AMOUNT_MAX + 1), DE48_MAX])
def test_greater_amount_leaves_de54_out(dialect: str, closing: Money) -> None:
    """
    A sen more and DE54 is left out, the answer is still 00, and DE48, screen and slip show
    the whole amount.
    """
    response = answered(signed_on(profile=dialect), booked(closing))

    assert "00" == response[39]
    assert 54 not in response
    assert closing == read_balance_data(response[48], PROFILE).closing
    for number in (62, 63):
        lines = block_of(response, number).lines
        assert any(line.rstrip().endswith(closing.indonesian()) for line in lines)


@pytest.mark.parametrize("width", [32, 38, 40])
def test_greatest_amounts_stand_in_line(width: int) -> None:
    """
    With fourteen digits in opening, claims and balance the slip's amounts end in one column,
    whatever its width.
    """
    bench = signed_on()
    history = booked(DE48_MAX, claimed=Money(DE48_MAX.sen - 10**13))

    response = answered(bench, history, width)

    lines = block_of(response, 63).lines
    shown = [line for line in lines if line.rstrip()[-3:-2] == "," and "%" not in line]
    assert 5 == len(shown)
    assert {width} == {len(line.rstrip()) for line in shown}
    assert "100.000.000.000,00" in shown[-1]


@pytest.mark.parametrize(
    "history",
    [
        booked(Money(DE48_MAX.sen + 1)),
        booked(Money(DE48_MAX.sen + 1), claimed=Money(DE48_MAX.sen)),
        booked(Money(10**17)),
    ],
)
def test_amount_beyond_de48_is_88(history: AccountHistory) -> None:
    """
    An amount DE48 has no room for gets 88: no field with a wrong or a cut amount.
    """
    response = answered(signed_on(), history)

    assert "88" == response[39]
    assert not {54, 63} & response.elements.keys()
    assert "BELUM" in " ".join(block_of(response).lines).upper()


def test_estimate_that_passes_de48_is_88() -> None:
    """
    Where only the year's estimate makes the balance too great, it is 88 as well.
    """
    history = AccountHistory(2025, DE48_MAX, (), has_postings=True, last_contribution=None)

    response = answered(signed_on(), history, rate=5_000)

    assert "88" == response[39]
