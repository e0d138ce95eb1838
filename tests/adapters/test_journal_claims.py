"""Which worker is at work on which request: told at once, and let go whatever happens."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from atm_switch.adapters.journal_claims import Claims
from atm_switch.adapters.journal_drafts import Draft, drafted
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

AT_WORK = timedelta(seconds=16)
RESERVED = Reservation(1, 1, granted=True)


class Monotonic:
    """A clock that a test moves."""

    seconds = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


def row_a(number: int, at: datetime = NOON, at_work: timedelta = AT_WORK) -> Reserve:
    """Ask for the row A of a request."""
    return Reserve(entry_of(number, received_at=at), 3, (), since(1), at - at_work)


def row_b(number: int, sequence: int | None = RESERVED.sequence) -> Draft:
    """Ask for its row B."""
    return drafted(Commit(entry_of(number), ending_of(), sequence, since(1)))


def held(clock: Monotonic | None = None) -> Claims:
    """Have worker one at work on request 1."""
    claims = Claims(clock or Monotonic())
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


@pytest.mark.parametrize("fingerprint", [entry_of(1).fingerprint, b"other"], ids=["same", "other"])
@pytest.mark.parametrize("sequence", [None, 2])
def test_other_row_of_the_same_worker_ends_nothing(
    sequence: int | None, fingerprint: bytes
) -> None:
    """
    Beside its request the worker declines others of the same key: 94 other content, 91 too
    many, 58 or 31 on a link that may not ask.  Nor does a late row of an attempt before.
    """
    claims, entry = held(), replace(entry_of(1), fingerprint=fingerprint)
    declined = Commit(entry, ending_of(), sequence, since(1))

    claims.heard("one", drafted(declined), None)

    assert isinstance(claims.taken("two", row_a(1)), UnderWay)


def test_declined_row_before_row_a_is_written_ends_nothing() -> None:
    """The claim stands from the moment row A is asked for, and has no number until then."""
    claims = Claims(Monotonic())
    claims.taken("one", row_a(1))

    claims.heard("one", row_b(1, None), None)

    assert 1 == len(claims)


def test_request_begun_again_ends_with_its_new_row() -> None:
    """The row of the first attempt, written late, does not end the second one."""
    claims = held()
    claims.taken("one", row_a(1))
    claims.heard("one", row_b(1), None)
    assert 1 == len(claims)

    claims.heard("one", row_a(1), Reservation(5, 2, granted=True))
    claims.heard("one", row_b(1, 5), None)

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
    clock = Monotonic()
    claims = Claims(clock)
    for number, at in ((1, -17.0), (2, -16.0), (3, 0.0)):
        clock.seconds = 1000.0 + at
        claims.taken("one", row_a(number))

    assert claims.taken("two", row_a(4)) is None
    assert 3 == len(claims)
    assert isinstance(claims.taken("two", row_a(2)), UnderWay)


def test_old_request_behind_a_young_one_is_overtaken() -> None:
    """Of two profiles one may give up earlier: then age is looked at by key."""
    clock = Monotonic()
    claims = Claims(clock)
    claims.taken("one", row_a(1))
    claims.taken("one", row_a(2, at_work=timedelta(seconds=4)))
    clock.seconds += 5.0

    assert claims.taken("two", row_a(2)) is None
    assert isinstance(claims.taken("two", row_a(1)), UnderWay)


@pytest.mark.parametrize("step", [timedelta(seconds=30), timedelta(days=-1)])
def test_wall_clock_that_is_set_lets_go_of_nothing(step: timedelta) -> None:
    """Two seconds after it was begun a request is under way, whatever the date."""
    clock = Monotonic()
    claims = held(clock)
    clock.seconds += 2.0

    assert isinstance(claims.taken("two", row_a(1, NOON + step)), UnderWay)
    clock.seconds += 15.0
    assert claims.taken("two", row_a(1, NOON + step)) is None


def test_question_without_bounds_claims_nothing() -> None:
    """A command that reserves no request's row is nobody's."""
    claims = Claims(Monotonic())

    assert claims.taken("one", replace(row_a(1), begun_since=None)) is None
    assert claims.taken("one", replace(row_a(1), unless_since=None)) is None
    assert 0 == len(claims)
