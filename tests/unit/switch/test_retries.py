"""Claims about the pauses between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.switch.retries import Retries


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_pause_grows_to_its_longest_and_half_of_it_is_chance(failures: int, chance: float) -> None:
    """Never shorter than half of the doubled pause, never longer than the longest."""
    pause = Retries(lambda: chance, 0.1, 5.0).pause(failures)
    whole = min(5.0, 0.1 * 2 ** min(failures, 20))

    assert whole / 2 <= pause <= whole


def test_pauses_double() -> None:
    """A tenth of a second, twice that, four times; with all of chance the whole of it."""
    retries = Retries(lambda: 1.0, 0.1, 5.0)

    assert [0.1, 0.2, 0.4, 0.8, 5.0] == [retries.pause(failures) for failures in (0, 1, 2, 3, 9)]
