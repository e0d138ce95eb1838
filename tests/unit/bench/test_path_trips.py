"""The pieces that are counted are those of an inquiry, and the corridor is whole afterwards."""

from typing import Any

from atm_switch.switch.effects import Send
from tests.bench.path_trips import NAMES, PIECES, path_trips


def test_every_piece_runs_and_the_corridor_is_put_back() -> None:
    """Each piece gives something twice, and no function of the corridor stays wrapped."""
    before = [getattr(owner, name) for owner, name in PIECES.values()]

    with path_trips() as trips:
        given: dict[str, Any] = {name: [trip() for _ in range(2)] for name, trip in trips.items()}

    assert set(NAMES) == set(given)
    assert all(one is not None for name in set(NAMES) - {"core"} for one in given[name])
    assert given["steps"] == 2 * [Send(1, given["committed"][0][0].payload, b"")]
    assert before == [getattr(owner, name) for owner, name in PIECES.values()]
