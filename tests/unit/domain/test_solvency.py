"""No day ends below zero: which day is short, and which takings give way."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.solvency import Movement, first_short_day, uncovered

movements = st.lists(st.tuples(st.integers(0, 9), st.integers(-50, 50)), max_size=12).map(
    lambda rows: [((date(2025, 1, 1) + timedelta(day)).isoformat(), sen) for day, sen in rows]
)


def ends(rows: Sequence[Movement]) -> dict[str, int]:
    """Sum each day's end the plain way."""
    return {day: sum(sen for on, sen in rows if on <= day) for day, _ in rows}


@given(movements, movements)
def test_first_short_day_is_the_first_made_worse(held: list[Movement], new: list[Movement]) -> None:
    """
    It is the first day that ends below zero and lower than it did, exactly.
    """
    before, after = ends([*held, *((day, 0) for day, _ in new)]), ends([*held, *new])
    short = [day for day in sorted(after) if after[day] < min(0, before[day])]

    assert (short[0] if short else None) == first_short_day(held, new)


@given(movements, movements)
def test_what_is_left_over_is_covered(held: list[Movement], new: list[Movement]) -> None:
    """
    Without what gives way no day ends below zero that held postings alone do not bring there,
    and only takings give way, each once.
    """
    numbered = [(number, day, sen) for number, (day, sen) in enumerate(new, 1)]
    gone = dict(uncovered(held, numbered))

    stay = [(day, sen) for number, day, sen in numbered if number not in gone]
    assert all(new[number - 1][1] < 0 for number in gone)
    assert all(day <= short for number, short in gone.items() for day in [new[number - 1][0]])
    if min(ends(held).values(), default=0) >= 0:
        assert min(ends([*held, *stay]).values(), default=0) >= 0


@given(movements)
def test_takings_that_are_covered_all_stay(new: list[Movement]) -> None:
    """
    Where no day ends below zero nothing gives way.
    """
    short = any(end < 0 for end in ends(new).values())

    gone = list(uncovered([], [(number, day, sen) for number, (day, sen) in enumerate(new, 1)]))

    assert bool(gone) == short


def test_largest_of_the_days_before_goes_first_of_equal_ones_the_last() -> None:
    """
    A taking of a later day never gives way for an earlier one.
    """
    new = [
        (1, "2025-01-01", 100),
        (2, "2025-01-02", -30),
        (3, "2025-01-02", -30),
        (4, "2025-01-03", -60),
        (5, "2025-01-04", -90),
        (6, "2025-01-05", 90),
    ]

    assert [(4, "2025-01-03"), (5, "2025-01-04")] == list(uncovered([], new))
    assert [(3, "2025-01-02")] == list(uncovered([], [(1, "2025-01-01", 50), *new[1:3]]))
