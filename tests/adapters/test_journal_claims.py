"""Which worker is at work on which request: told at once, and let go whatever happens."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from atm_switch.adapters.journal_claims import Claims
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import (
    Commit,
    Reservation,
    Reserve,
    StoredResponse,
    TakeNumbers,
    UnderWay,
)
from tests.doubles.journal_bench import NOON, ending_of, entry_of, since

BEGUN = NOON - timedelta(seconds=16)
RESERVED = Reservation(1, 1, granted=True)


def row_a(number: int, received_at: datetime = NOON, begun: datetime | None = BEGUN) -> Reserve:
    """Ask for the row A of a request."""
    return Reserve(entry_of(number, received_at=received_at), 3, (), since(1), begun)


def row_b(number: int) -> Commit:
    """Ask for its row B."""
    return Commit(entry_of(number), ending_of(), 1, since(1))


def held() -> Claims:
    """Have worker one at work on request 1."""
    claims = Claims()
    assert claims.taken("one", row_a(1)) is None
    claims.heard("one", row_a(1), RESERVED)
    return claims


def test_request_of_another_worker_is_under_way() -> None:
    """The second hears which request it is; the first, and other keys, are not held up."""
    claims = held()

    assert UnderWay(entry_of(1).fingerprint) == claims.taken("two", row_a(1))
    assert claims.taken("one", row_a(1)) is None
    assert claims.taken("two", row_a(2)) is None


@pytest.mark.parametrize("answer", [None, JournalUnavailable("full"), StoredResponse(b"", b"")])
def test_ending_lets_go_whatever_came_of_it(answer: Any) -> None:
    """Written, not written, or answered elsewhere: nobody is at work on it any more."""
    claims = held()

    claims.heard("one", row_b(1), answer)

    assert 0 == len(claims)


@pytest.mark.parametrize("answer", [JournalUnavailable("full"), StoredResponse(b"", b"")])
def test_row_a_that_was_not_written_lets_go(answer: Any) -> None:
    """And one that was keeps the claim, as does any other question."""
    claims = held()

    claims.heard("one", TakeNumbers(), 7)
    assert 1 == len(claims)
    claims.heard("one", row_a(1), answer)

    assert 0 == len(claims)


def test_what_another_worker_hears_changes_nothing() -> None:
    """Only whose request it is lets go of it."""
    claims = held()

    claims.heard("two", row_b(1), None)
    claims.heard("one", row_b(2), None)
    claims.gone("two")

    assert 1 == len(claims)


def test_worker_that_is_gone_has_nothing() -> None:
    """The next to ask is first."""
    claims = held()
    claims.taken("two", row_a(2))

    claims.gone("one")

    assert 1 == len(claims)
    assert claims.taken("two", row_a(1)) is None


def test_old_request_is_under_way_no_more() -> None:
    """The bound is inclusive; what is older is forgotten, whatever key is asked for."""
    claims = Claims()
    for number, age in ((1, 17), (2, 16), (3, 0)):
        at = NOON - timedelta(seconds=age)
        claims.taken("one", row_a(number, at, NOON - timedelta(seconds=17)))

    assert claims.taken("two", row_a(4)) is None
    assert 3 == len(claims)
    assert isinstance(claims.taken("two", row_a(2)), UnderWay)


def test_old_request_behind_a_young_one_is_overtaken() -> None:
    """Of two machines' clocks one may be behind: then age is looked at by key."""
    claims = Claims()
    claims.taken("one", row_a(1))
    late = NOON - timedelta(seconds=20)
    claims.taken("one", row_a(2, late, late))

    assert claims.taken("two", row_a(2)) is None


def test_question_without_bounds_claims_nothing() -> None:
    """A command that reserves no request's row is nobody's."""
    claims = Claims()

    assert claims.taken("one", row_a(1, begun=None)) is None
    assert claims.taken("one", Reserve(entry_of(1), 3, (), None, BEGUN)) is None
    assert 0 == len(claims)
