"""DE54: entries of twenty characters, signed, in the minor unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.messages.amounts import (
    AMOUNT_MAX,
    AdditionalAmount,
    read_amounts,
    write_amount,
    write_amounts,
)

GOLDEN = "1002360C0021629644731001360C002162964473"
"""domain.md 6."""

ENTRIES = (
    AdditionalAmount("10", "02", "360", 2_162_964_473),
    AdditionalAmount("10", "01", "360", 2_162_964_473),
)


def test_golden_amounts_read_and_write() -> None:
    """
    Available, then ledger balance; savings; rupiah; 21,629,644.73.
    """
    assert GOLDEN == write_amounts(ENTRIES)
    assert ENTRIES == read_amounts(GOLDEN)
    assert GOLDEN == write_amount(2_162_964_473, "10", ("02", "01"), "360")


@pytest.mark.parametrize("minor", [AMOUNT_MAX + 1, -AMOUNT_MAX - 1])
def test_amount_of_thirteen_digits_is_refused(minor: int) -> None:
    """
    It could not be written, by itself or as an entry.
    """
    with pytest.raises(ValueError, match="at most twelve digits"):
        write_amount(minor, "10", ("02",), "360")
    with pytest.raises(ValueError, match="at most twelve digits"):
        AdditionalAmount("10", "02", "360", minor)


@pytest.mark.parametrize(
    ("minor", "end"),
    [(0, "C000000000000"), (-1, "D000000000001"), (AMOUNT_MAX, "C" + "9" * 12)],
)
def test_sign_is_a_letter(minor: int, end: str) -> None:
    """
    C for a credit and for nothing, D for a debit.
    """
    text = AdditionalAmount("10", "01", "360", minor).text()

    assert "1001360" + end == text
    assert (AdditionalAmount("10", "01", "360", minor),) == read_amounts(text)


@pytest.mark.parametrize("minor", [AMOUNT_MAX + 1, -AMOUNT_MAX - 1])
def test_amount_of_thirteen_digits_cannot_exist(minor: int) -> None:
    """
    What the element cannot hold is refused, never cut.
    """
    with pytest.raises(ValueError, match="twelve digits"):
        AdditionalAmount("10", "01", "360", minor)


@pytest.mark.parametrize(
    "text",
    ["", GOLDEN[:-1], GOLDEN + "1", GOLDEN.replace("C", "c"), GOLDEN.replace("C", "+"),
     " " + GOLDEN[1:], GOLDEN + "\n", GOLDEN[:20] + "\u0661" + GOLDEN[21:]],
)  # fmt: skip
def test_text_that_is_no_amounts_is_refused(text: str) -> None:
    """
    Cut short, too long, another sign, blanks, foreign digits: no partial reading.
    """
    with pytest.raises(ValueError, match="not made of entries"):
        read_amounts(text)


entries = st.builds(
    AdditionalAmount,
    st.sampled_from(["00", "10", "20"]),
    st.sampled_from(["01", "02"]),
    st.just("360"),
    st.integers(-AMOUNT_MAX, AMOUNT_MAX),
)


@given(st.lists(entries, min_size=1, max_size=6).map(tuple))
def test_amounts_are_read_as_written(amounts: tuple[AdditionalAmount, ...]) -> None:
    """Round trip, twenty characters an entry."""
    text = write_amounts(amounts)

    assert 20 * len(amounts) == len(text)
    assert amounts == read_amounts(text)
