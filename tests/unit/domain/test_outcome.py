"""The outcomes: a closed list, with the names the profiles use."""

import re

import pytest

from atm_switch.domain.outcome import Outcome


def test_outcomes_are_those_of_the_design() -> None:
    """
    Twenty-three, of which one is a yes.
    """
    assert 23 == len(Outcome)
    assert [Outcome.APPROVED] == [o for o in Outcome if o.value == "approved"]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcome_is_named_as_in_the_profile(outcome: Outcome) -> None:
    """
    The value is the name in lower case, a key of ``[outcomes]``.
    """
    assert outcome.name.lower() == outcome.value
    assert re.fullmatch("[a-z][a-z_]+", outcome.value)
