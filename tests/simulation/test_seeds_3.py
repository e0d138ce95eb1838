"""The third fifty seeds: nothing promised is broken, whatever goes wrong around the switch."""

import pytest

from tests.simulation.campaign import SEEDS_A_FILE, replay


@pytest.mark.parametrize("seed", range(2 * SEEDS_A_FILE + 1, 3 * SEEDS_A_FILE + 1))
def test_no_promise_is_broken(seed: int) -> None:
    """Replay a failure with ``python -m tests.simulation --seed N``."""
    assert [] == replay(seed).violations
