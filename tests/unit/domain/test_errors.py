"""The tree of errors: who reacts, and what the texts may say."""

import pytest

from atm_switch.domain.errors import (
    Declined,
    FormatError,
    FramingError,
    JournalRefusesRow,
    JournalUnavailable,
    LedgerUnavailable,
    NeighbourUnavailable,
    Refused,
    SwitchError,
    WireError,
)
from atm_switch.domain.outcome import Outcome


@pytest.mark.parametrize(
    ("error", "reacts"),
    [
        (FramingError, WireError),
        (FormatError, WireError),
        (LedgerUnavailable, NeighbourUnavailable),
        (JournalUnavailable, NeighbourUnavailable),
        (JournalRefusesRow, JournalUnavailable),
        (WireError, SwitchError),
        (Declined, SwitchError),
        (NeighbourUnavailable, SwitchError),
        (Refused, SwitchError),
    ],
)
def test_error_stands_under_who_reacts(error: type, reacts: type) -> None:
    """
    Whoever catches a branch of the tree catches its leaves and nothing beside it.
    """
    assert issubclass(error, reacts)


def test_branches_of_the_tree_do_not_mix() -> None:
    """
    A decline is no neighbour's fault, and no wire error a decline.
    """
    branches = (WireError, Declined, NeighbourUnavailable, Refused)

    mixed = [(a, b) for a in branches for b in branches if a is not b and issubclass(a, b)]
    assert [] == mixed


def test_format_error_says_the_place_only() -> None:
    """
    What was readable is kept for the answer and is in no text.
    """
    error = FormatError(
        "has a wrong length", data_element=48, offset=112, mti="0200", readable={41: "S1ABC123"}
    )

    assert "DE048: has a wrong length" == str(error)
    assert "S1ABC123" not in repr(error)
    assert (48, 112, "0200") == (error.data_element, error.offset, error.mti)


def test_readable_elements_cannot_be_changed() -> None:
    """
    The error keeps its own copy, and nobody writes to it.
    """
    source = {11: "000123"}
    error = FormatError("has a wrong length", data_element=2, readable=source)

    source[11] = "999999"

    assert "000123" == error.readable[11]
    with pytest.raises(TypeError):
        error.readable[11] = "1"  # type: ignore[index]


def test_format_error_knows_what_is_unknown() -> None:
    """
    Without more, no MTI, no place in the bytes and nothing readable.
    """
    error = FormatError("the MTI is not four digits", data_element=0)

    assert ("", -1, {}) == (error.mti, error.offset, dict(error.readable))


def test_decline_carries_its_outcome() -> None:
    """
    The corridor reads the outcome, the log the reason, DE44 the element.
    """
    no = Declined(Outcome.FORMAT_ERROR, "DE048 product is not the profile's", data_element=48)

    assert "format_error: DE048 product is not the profile's" == str(no)
    assert (Outcome.FORMAT_ERROR, 48) == (no.outcome, no.data_element)
    assert Declined(Outcome.DUPLICATE, "same key").data_element is None
