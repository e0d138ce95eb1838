"""The pieces that are counted are those of an inquiry, and the corridor is whole afterwards."""

from atm_switch.switch import balance_inquiry, inner_doors
from tests.bench.path_trips import NAMES, PIECES, path_trips


def test_every_piece_runs_and_the_corridor_is_put_back() -> None:
    """Each piece gives something twice, and no function of the corridor stays wrapped."""
    with path_trips() as trips:
        given = {name: [trip() for _ in range(2)] for name, trip in trips.items()}

    assert set(NAMES) == set(given)
    assert all(one is not None for name in set(NAMES) - {"core"} for one in given[name])
    assert {"_entry", "draw_up", "approved"} == {
        getattr(owner, name).__name__ for owner, name in PIECES.values()
    }
    assert balance_inquiry.approved.__module__ == "atm_switch.switch.compose"
    assert inner_doors.draw_up.__module__ == "atm_switch.domain.statement"
