"""What the soak takes for growth: what is never given back, not a peak beside it."""

import random

from tests.chaos.soak import SLOPE_KIB_PER_HOUR_MAX
from tests.chaos.soak_slope import lows, slope

HALF_SECONDS = 1_800
PEAK_KIB = 2_400


def seen(leak_per_hour: float, peaks: list[tuple[int, int]]) -> list[tuple[float, int]]:
    """What is read each second for half an hour: a leak, noise, and peaks from when to when."""
    chance = random.Random(1)  # noqa: S311 - noise
    return [
        (
            float(second),
            round(
                50_000
                + leak_per_hour * second / 3_600
                + chance.randrange(400)
                + PEAK_KIB * any(begin <= second < end for begin, end in peaks)
            ),
        )
        for second in range(HALF_SECONDS)
    ]


def test_peak_at_the_end_is_no_growth() -> None:
    """One of two minutes is a slope of all points, and none of the lows."""
    points = seen(0.0, [(HALF_SECONDS - 120, HALF_SECONDS)])

    assert slope(points) > SLOPE_KIB_PER_HOUR_MAX
    assert abs(slope(lows(points))) < 0.1 * SLOPE_KIB_PER_HOUR_MAX


def test_what_is_never_given_back_is_growth() -> None:
    """A leak of twice what is allowed is seen beside peaks, early ones too, to a tenth."""
    leak = 2 * SLOPE_KIB_PER_HOUR_MAX
    points = seen(leak, [(0, 100), (700, 800), (HALF_SECONDS - 100, HALF_SECONDS)])

    assert 0.9 * leak < slope(lows(points)) < 1.1 * leak


def test_step_that_stays_is_growth() -> None:
    """As of something that is filled once and for all in the time that is judged."""
    points = seen(0.0, [(HALF_SECONDS // 2, HALF_SECONDS)])

    assert slope(lows(points)) > SLOPE_KIB_PER_HOUR_MAX


def test_few_points_are_all_taken() -> None:
    """One has no slope, and two have theirs."""
    assert 0.0 == slope(lows([(5.0, 100)]))
    assert 3_600.0 == slope(lows([(0.0, 0), (1.0, 1)]))
