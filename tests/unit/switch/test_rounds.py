"""Claims about rounds: everybody has a turn, few at a time, and newcomers are not forgotten."""

import weakref

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.switch.rounds import Rounds


@given(st.integers(0, 50), st.integers(1, 20))
def test_round_looks_at_everybody_once(count: int, at_once: int) -> None:
    """In as many looks as it takes, never more than so many at once."""
    rounds = Rounds({number: number for number in range(count)}, at_once)

    looks = [rounds.look() for _ in range(-(-count // at_once))]

    assert list(range(count)) == [one for look in looks for one in look]
    assert all(len(look) <= at_once for look in looks)


def test_few_are_all_looked_at_every_time() -> None:
    """A switch with a few links notices an idle one at the next tick."""
    rounds = Rounds(dict(enumerate("abc")), 3)

    assert [list("abc")] * 3 == [rounds.look() for _ in range(3)]


def test_newcomer_has_a_turn_in_the_next_round() -> None:
    """Whoever comes within a round is looked at in the one that follows it."""
    there = {1: 1, 2: 2, 3: 3}
    rounds = Rounds(there, 2)

    first = rounds.look()
    there[4] = 4

    assert [[1, 2], [3], [1, 2], [3, 4]] == [first, *(rounds.look() for _ in range(3))]


def test_change_of_what_there_is_breaks_no_round() -> None:
    """A link that is lost between two looks ends nothing."""
    there = {1: "a", 2: "b", 3: "c", 4: "d"}
    rounds = Rounds(there, 2)

    rounds.look()
    del there[3]

    assert [["d"], ["a", "b"]] == [rounds.look(), rounds.look()]


def test_many_that_are_gone_delay_nobody() -> None:
    """Those that are left, and who came instead, have their turns in the next looks."""
    there = {number: str(number) for number in range(1_000)}
    rounds = Rounds(there, 10)

    rounds.look()
    for number in range(999):
        del there[number]
    there[1_000] = "new"

    assert [["999"], ["999", "new"]] == [rounds.look(), rounds.look()]


def test_who_is_gone_is_not_kept() -> None:
    """A link's objects are freed as it ends, not when its turn would have come."""

    class Link:
        """Something that can be told to be gone."""

    there = {number: Link() for number in range(3)}
    rounds = Rounds(there, 1)
    gone = weakref.ref(there[2])

    rounds.look()
    del there[2]

    assert gone() is None
