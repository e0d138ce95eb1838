"""How many links a peer has to a worker, also on their way; how processes may die."""

from pathlib import Path
from typing import Any

import pytest

from atm_switch.child import MINUTE, RESTARTS_MAX, Child, Restarts
from atm_switch.process_place import OTHER_RELEASE, InstalledFiles

HOST, OTHER = "192.0.2.1", "192.0.2.2"
NOTHING: Any = None
"""In place of a process and of the way to it, which counting does not touch."""


def child(*handed_in: str) -> Child:
    """Return a worker that was handed these connections and has said nothing yet."""
    made = Child(1, NOTHING, NOTHING)
    made.unsettled.extend(handed_in)
    return made


def test_connection_on_its_way_counts() -> None:
    """From the moment it was handed over, and once."""
    worker = child(HOST, OTHER, HOST)

    assert (2, 1) == (worker.links_of(HOST), worker.links_of(OTHER))
    worker.hears_peers({HOST: 2, OTHER: 1}, 3)
    assert (2, 1) == (worker.links_of(HOST), worker.links_of(OTHER))


def test_news_from_before_a_connection_does_not_hide_it() -> None:
    """What the worker said without the last one is told beside it."""
    worker = child(HOST, HOST)

    worker.hears_peers({HOST: 1}, 1)

    assert 2 == worker.links_of(HOST)


def test_connection_turned_away_counts_no_more() -> None:
    """Settled and not among the links: it is gone, and a host of none is forgotten."""
    worker = child(HOST)

    worker.hears_peers({HOST: 0}, 1)

    assert 0 == worker.links_of(HOST)
    assert HOST not in worker.peers


def test_so_many_deaths_are_borne_and_one_more_is_not() -> None:
    """Within a minute; what was before that counts no more."""
    restarts = Restarts()

    too_many = [restarts.one_more(float(at)) for at in range(RESTARTS_MAX + 1)]

    assert [False] * RESTARTS_MAX + [True] == too_many
    assert not restarts.one_more(MINUTE + 1.5)


@pytest.mark.parametrize("code", [1, -11, OTHER_RELEASE])
@pytest.mark.parametrize("is_ready", [False, True])
@pytest.mark.parametrize("is_replaced", [False, True])
def test_death_is_laid_to_another_program_only_where_there_is_one(
    tmp_path: Path, code: int, *, is_ready: bool, is_replaced: bool
) -> None:
    """And where the process has never been ready; or it says so itself."""
    worker, program = child(), InstalledFiles.now(tmp_path / "package")
    if is_ready:
        worker.is_ready.set()
    if is_replaced:
        (tmp_path / "package").mkdir()
        (tmp_path / "package" / "module.py").touch()

    found = worker.could_not_start(code, program)

    assert (code == OTHER_RELEASE or (is_replaced and not is_ready)) == found
