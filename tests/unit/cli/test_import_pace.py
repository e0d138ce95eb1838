"""How long an import still takes, by the passes that are done and what a row costs in each."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.cli.import_pace import GROUND, Pace
from atm_switch.ledger.csv_passes import Pass, Phase, Step

FACTOR = 2.0
"""A row of a pass costs at most so many times more or less than it should in the property."""


def passes(*of_each: tuple[int, int]) -> tuple[Pass, ...]:
    """Return passes over so many rows at such a cost each."""
    return tuple(Pass(Phase.CHECKING, Step.LATE, *each) for each in of_each)


def test_no_time_left_is_told_without_a_ground() -> None:
    """
    Not before the first pass is done, and not by a short one of a few rows either.
    """
    pace, plan = Pace(100.0), passes((10, 1), (1_000, 1))
    pace.note(0, plan, 100.0)
    assert pace.seconds_left(130.0) is None
    assert "checking, pass 1 of 2" == pace.told("checking")

    pace.note(1, plan, 130.0)

    assert pace.seconds_left(130.0) is None


def test_time_left_goes_by_rows_and_their_cost_and_runs_down() -> None:
    """
    A hundred rows at 1 took ten seconds: two hundred at 3 take sixty, five seconds later 55.
    """
    pace, plan = Pace(100.0), passes((100, 1), (200, 3))
    pace.note(0, plan, 100.0)
    pace.note(1, plan, 110.0)

    told = (pace.seconds_left(110.0), pace.seconds_left(115.0))

    assert [60.0, 55.0] == [round(left or 0.0, 6) for left in told]
    assert (10.0, round(1 / 7, 6)) == (pace.rate(), round(pace.share(), 6))
    assert "checking, pass 2 of 2" == pace.told("checking")


def test_rate_is_of_the_rows_each_pass_went_over() -> None:
    """
    Ten rows and then a thousand in eleven seconds; the pass under way does not lower it.
    """
    pace, plan = Pace(0.0), passes((10, 1), (1_000, 1), (1_000, 1))
    for done, at in enumerate((0.0, 1.0, 11.0)):
        pace.note(done, plan, at)

    assert 1_010 / 11 == pace.rate()


def test_pass_that_does_not_go_by_the_rows_counts_for_nothing() -> None:
    """
    An hour of bad rows written aside makes the passes after it no dearer.
    """
    pace, plan = Pace(0.0), passes((100, 1), (100, 0), (100, 1))
    pace.note(0, plan, 0.0)
    pace.note(1, plan, 10.0)
    assert 10.0 == pace.seconds_left(2_000.0)

    pace.note(2, plan, 3_610.0)

    assert (10.0, 10.0) == (pace.seconds_left(3_610.0), pace.rate())


def test_pass_that_outlasts_its_share_makes_the_others_dearer() -> None:
    """
    Ten seconds were its share, and after thirty the one behind it takes at least twenty; the last
    one has no time left that is known, and after it nothing is left.
    """
    pace, plan = Pace(0.0), passes((100, 1), (100, 1), (100, 1))
    pace.note(0, plan, 0.0)
    pace.note(1, plan, 10.0)
    assert 20.0 == pace.seconds_left(40.0)

    pace.note(2, plan, 40.0)
    assert 20.0 == pace.seconds_left(40.0)
    assert pace.seconds_left(61.0) is None

    pace.note(3, plan, 65.0)
    assert 0.0 == pace.seconds_left(65.0)
    assert "checking, pass 3 of 3" == pace.told("checking")


def test_all_is_done_after_the_last_pass_and_not_before() -> None:
    """
    Not by a rounded figure either, and neither where there is nothing to be done.
    """
    pace, plan = Pace(0.0), passes((100_000, 1), (1, 1))
    pace.note(1, plan, 10.0)
    assert 0.99 == pace.share()
    pace.note(2, plan, 10.0)
    assert 1.0 == pace.share()

    empty = Pace(0.0)
    empty.note(1, passes((0, 1), (0, 1)), 1.0)
    assert (0.0, None) == (empty.share(), empty.seconds_left(1.0))


COST = st.floats(1 / FACTOR, FACTOR)
PLANS = st.lists(
    st.tuples(st.integers(1, 10**8), st.integers(1, 500), COST), min_size=1, max_size=12
)


def run(
    plan: list[tuple[int, int, float]], slowness: float
) -> Iterator[tuple[float, float, float | None, float]]:
    """Run an import; at each moment yield time passed, time in all, time left told, share done."""
    ends, told = [0.0], passes(*[each[:2] for each in plan])
    for rows, cost, factor in plan:
        ends.append(ends[-1] + rows * cost * factor * slowness)
    pace = Pace(0.0)
    for done, end in enumerate(ends):
        pace.note(done, told, end)
        following = ends[min(done + 1, len(plan))]
        for part in (0.0, 0.3, 0.7, 0.999):
            now = end + part * (following - end)
            yield now, ends[-1], pace.seconds_left(now), pace.share()


@given(plan=PLANS, slowness=st.floats(1e-6, 1e-3))
def test_time_told_is_never_wrong_by_more_than_the_costs_allow(
    plan: list[tuple[int, int, float]], slowness: float
) -> None:
    """
    The whole takes between a quarter and four times of what is told, once half is done between
    half and two and a half times, for costs wrong by two; no time left is below none, and all
    is done at the end only.
    """
    shares = []
    for now, whole, left, share in run(plan, slowness):
        shares.append(share)
        assert share < 1.0 or now == whole
        if left is None:
            continue
        assert left >= 0.0
        assert share >= min(GROUND, 0.99)
        wrong = whole / (now + left)
        assert FACTOR**-2 - 1e-6 <= wrong <= FACTOR**2 + 1e-6
        if share >= 0.5:
            assert 0.5 - 1e-6 <= wrong <= (1 + FACTOR**2) / 2 + 1e-6
    assert shares == sorted(shares)
    assert 1.0 == shares[-1]
