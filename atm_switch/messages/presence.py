"""Which elements a message must, may and must not carry (security.md 4, check 7)."""

from collections.abc import Iterable
from functools import lru_cache

from atm_switch.domain.errors import Declined
from atm_switch.domain.outcome import Outcome
from atm_switch.profile.model import MessageRule

MAC_PRIMARY, SECOND_BITMAP = 64, 65
KEPT = 256
"""Sets of elements that were found right."""


def check_presence(elements: Iterable[int], rule: MessageRule) -> None:
    """Raise ``Declined`` (format error, naming the element) for a missing or stray one."""
    _check(tuple(elements), rule.mandatory, rule.optional)


@lru_cache(KEPT)
def _check(numbers: tuple[int, ...], mandatory: frozenset[int], optional: frozenset[int]) -> None:
    """Raise as ``check_presence``; whoever sends the elements that others sent was judged."""
    present = frozenset(numbers)
    missing = mandatory - present
    if missing:
        raise _fault(min(missing), "is mandatory and missing")
    strays = present - mandatory - optional
    if strays:
        raise _fault(min(strays), "has no place in this message")
    # A MAC covers all before it, so it is the last element or it is no MAC.
    if MAC_PRIMARY in present and max(present) > SECOND_BITMAP:
        raise _fault(MAC_PRIMARY, "stands before the end of the message")


def _fault(number: int, what: str) -> Declined:
    return Declined(Outcome.FORMAT_ERROR, f"DE{number:03d} {what}", data_element=number)
