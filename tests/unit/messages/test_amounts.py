"""Claims about DE54."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.messages.amounts import AMOUNT_MAX, AdditionalAmount, read_amounts, write_amounts

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


def test_golden_amounts_of_the_design() -> None:
    """Available and ledger balance of the published member."""
    entries = tuple(AdditionalAmount("10", kind, "360", 2_162_964_473) for kind in ("02", "01"))

    assert "1002360C0021629644731001360C002162964473" == write_amounts(entries)


@pytest.mark.parametrize(
    "text", ["", "001360000012345600", "1002360X002162964473", "1002360C00216296447", "x" * 20]
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    """Eighteen characters, another sign, too short."""
    with pytest.raises(ValueError, match="DE54"):
        read_amounts(text)


@pytest.mark.parametrize("minor", [AMOUNT_MAX + 1, -AMOUNT_MAX - 1])
def test_thirteen_digits_do_not_fit(minor: int) -> None:
    """Such an amount cannot exist as an entry."""
    with pytest.raises(ValueError, match="twelve digits"):
        AdditionalAmount("10", "02", "360", minor)
