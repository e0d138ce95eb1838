"""What is paid each month: shares, bounds and fixed amounts (domain.md 2.1 to 2.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.contribution import ContributionRates
from atm_switch.domain.member import Segment, read_segment
from atm_switch.domain.money import Money

RATES = ContributionRates(
    employer_millipercent=3_700,
    worker_millipercent=2_000,
    income_millipercent=2_000,
    lowest=Money.from_rupiah("20000"),
    highest=Money.from_rupiah("414000"),
    amounts=(Money.from_rupiah("105000"), Money.from_rupiah("600000")),
)


def test_wage_earner_pays_by_shares() -> None:
    """
    Of 5,000,000 the employer pays 185,000 and the worker 100,000, 285,000 in all.
    """
    paid = RATES.wage_earner(Money.from_rupiah("5000000"))

    assert ("185000.00", "100000.00") == (paid.employer.plain(), paid.worker.plain())
    assert "285000.00" == paid.total.plain()


@pytest.mark.parametrize(
    ("income", "paid"),
    [
        ("0", "20000.00"),
        ("1000000", "20000.00"),
        ("1000050", "20001.00"),
        ("3500000", "70000.00"),
        ("20700000", "414000.00"),
        ("90000000", "414000.00"),
    ],
)
def test_self_employed_pays_within_bounds(income: str, paid: str) -> None:
    """
    Two per cent of the declared income, from 20,000 to 414,000 a month.
    """
    assert paid == RATES.self_employed(Money.from_rupiah(income)).total.plain()


def test_migrant_pays_an_offered_amount() -> None:
    """
    A migrant worker pays one of the fixed amounts and no other.
    """
    assert "105000.00" == RATES.migrant(Money.from_rupiah("105000")).total.plain()

    with pytest.raises(ValueError, match=r"one of Rp 105\.000,00, 600\.000,00 a month"):
        RATES.migrant(Money.from_rupiah("105001"))


@pytest.mark.parametrize("rule", [RATES.wage_earner, RATES.self_employed])
def test_nothing_is_due_below_zero(rule: object) -> None:
    """
    A wage or an income below zero is refused.
    """
    assert callable(rule)
    with pytest.raises(ValueError, match="not below zero"):
        rule(Money(-1))


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_more_income_never_pays_less(one: int, other: int) -> None:
    """
    The contribution never falls as wage or income rises, and keeps to whole sen.
    """
    low, high = sorted((Money(one), Money(other)))

    assert RATES.wage_earner(low).total <= RATES.wage_earner(high).total
    assert RATES.self_employed(low).total <= RATES.self_employed(high).total


@pytest.mark.parametrize("word", ["Jakon", "JAKON", "jakon ", "JK", "Jasa  Konstruksi"])
def test_jakon_is_refused_with_its_reason(word: str) -> None:
    """
    Construction services have no JHT, and the refusal says so.
    """
    with pytest.raises(ValueError, match="has no JHT"):
        read_segment(word)


def test_segments_are_read_by_their_words() -> None:
    """
    PU, BPU and PMI are segments, and nothing else is.
    """
    assert list(Segment) == [read_segment(word) for word in ("PU", "BPU", "PMI")]

    with pytest.raises(ValueError, match="one of PU, BPU, PMI"):
        read_segment("PNS")
