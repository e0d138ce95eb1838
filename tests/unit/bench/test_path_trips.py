"""The pieces that are counted are those of an inquiry, and the corridor is whole afterwards."""

from typing import Any

import pytest

from atm_switch.switch.effects import Send
from atm_switch.wire import VARIANT
from atm_switch.wire.variant import COMPILED
from tests.bench.path_trips import BEHIND, NAMES, PIECES, WARM, path_trips

pytestmark = pytest.mark.skipif(
    VARIANT == COMPILED, reason="of machine code no piece can be taken out and counted by itself"
)


def test_every_piece_runs_and_the_corridor_is_put_back() -> None:
    """Each piece gives something twice, and no function of the corridor stays wrapped."""
    before = [getattr(owner, name) for owner, name in PIECES.values()]

    with path_trips() as trips:
        given: dict[str, Any] = {name: [trip() for _ in range(2)] for name, trip in trips.items()}

    assert set(NAMES) == set(given)
    assert all(one is not None for name in set(NAMES) - {"core"} for one in given[name])
    assert given["steps"] == 2 * [Send(1, given["committed"][0][0].payload, b"")]
    assert before == [getattr(owner, name) for owner, name in PIECES.values()]


def test_pieces_behind_the_core_take_whole_batches() -> None:
    """A row a trip, and the batch with its last row: handed over, written, answered."""
    with path_trips(BEHIND) as trips:
        given: dict[str, Any] = {name: [trips[name]() for _ in range(2 * WARM)] for name in BEHIND}

    rows = list(range(1, 2 * WARM + 1))
    assert rows == given["hand-off"] == given["writer"]
    assert sorted(set(given["log line"])) == given["log line"]
