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
