"""Money is whole sen: reading, writing, rounding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.money import ZERO, Money, divide_half_up


@pytest.mark.parametrize(
    ("text", "sen"),
    [
        ("1710000.00", 171_000_000),
        ("1710000.5", 171_000_050),
        ("1710000", 171_000_000),
        ("0.01", 1),
        ("-25", -2_500),
        ("-0.10", -10),
        ("0", 0),
        ("-0", 0),
        ("000012.34", 1_234),
        ("999999999999999.99", 99_999_999_999_999_999),
    ],
)
def test_rupiah_text_becomes_whole_sen(text: str, sen: int) -> None:
    """
    Rupiah with up to two decimals are read exactly.
    """
    assert Money(sen) == Money.from_rupiah(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", ".", "1.", ".5", "1.234", "1,50", "1.710.000,00", "1_000", "+5", "--5",
        "5-", " 5", "5\n", "1e3", "NaN", "0x10", "Rp5", "\u0661", "1" * 16,
    ],
)  # fmt: skip
def test_anything_else_is_no_amount(text: str) -> None:
    """
    Separators, other signs, more decimals, other digits and too many are refused.
    """
    with pytest.raises(ValueError, match="an amount is rupiah with a point"):
        Money.from_rupiah(text)


def test_refused_amount_is_not_quoted() -> None:
    """
    The error of a wrong amount does not repeat it.
    """
    with pytest.raises(ValueError, match="an amount") as caught:
        Money.from_rupiah("9990090000000012x")

    assert "999009" not in str(caught.value)


@pytest.mark.parametrize(
    ("sen", "plain", "indonesian"),
    [
        (1_940_947_047, "19409470.47", "19.409.470,47"),
        (0, "0.00", "0,00"),
        (5, "0.05", "0,05"),
        (-5, "-0.05", "-0,05"),
        (-123_456_789, "-1234567.89", "-1.234.567,89"),
        (100_000, "1000.00", "1.000,00"),
        (99_999, "999.99", "999,99"),
    ],
)
def test_money_is_written_two_ways(sen: int, plain: str, indonesian: str) -> None:
    """
    Files have a point and no separators; people in Indonesia read points and a comma.
    """
    assert (plain, indonesian) == (Money(sen).plain(), Money(sen).indonesian())


@given(st.integers(min_value=-(10**16), max_value=10**16))
def test_plain_text_reads_back_same(sen: int) -> None:
    """
    What is written for a file is read as the same amount.
    """
    assert Money(sen) == Money.from_rupiah(Money(sen).plain())


def test_arithmetic_keeps_every_sen() -> None:
    """
    Adding, subtracting and turning the sign are exact, and amounts are ordered.
    """
    assert Money(1) == Money(3) + Money(-2)
    assert Money(5) == Money(3) - Money(-2)
    assert Money(-3) == -Money(3)
    assert ZERO < Money(1)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(5, 10, 1), (4, 10, 0), (-5, 10, -1), (-4, 10, 0), (15, 10, 2), (0, 7, 0), (7, 7, 1)],
)
def test_halves_round_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    """
    A half goes away from zero, on either side of it.
    """
    assert rounded == divide_half_up(numerator, denominator)


@given(st.integers(), st.integers(min_value=1))
def test_rounding_errs_by_half_at_most(numerator: int, denominator: int) -> None:
    """
    The rounded quotient is at most half a unit off.
    """
    off = divide_half_up(numerator, denominator) * denominator - numerator

    assert 2 * abs(off) <= denominator
