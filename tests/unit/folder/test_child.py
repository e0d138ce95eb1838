"""How many links a peer has to a worker, also on their way; how processes may die."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from atm_switch.child import (
    MINUTE,
    OUT_SECONDS_FIRST,
    RESTARTS_MAX,
    Child,
    LeftOut,
    Restarts,
)
from atm_switch.process_place import OTHER_RELEASE, InstalledFiles
from atm_switch.seat import STOP

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


def test_stop_that_its_socket_did_not_take_is_said_again() -> None:
    """And each stop once; a worker that was not ready is ended by a signal, too."""
    said: list[Any] = []
    signals: list[int] = []
    room = [False, True, False, True]

    class Full:
        def say(self, message: dict[str, Any]) -> bool:
            said.append(message[STOP])
            return room.pop(0)

    class Process:
        returncode = None
        send_signal = staticmethod(signals.append)

    worker = Child(1, Process(), Full())  # type: ignore[arg-type]
    worker.is_ready.set()
    for is_at_once in (False, False, False, True, True, True):
        worker.stop(is_at_once=is_at_once)
    starting = Child(2, Process(), Full())  # type: ignore[arg-type]
    room.append(True)
    starting.stop(is_at_once=False)

    assert [False, False, True, True, False] == said
    assert [signal.SIGTERM] == signals


def test_so_many_deaths_are_borne_and_one_more_is_not() -> None:
    """Within a minute; what was before that counts no more."""
    restarts = Restarts()

    too_many = [restarts.one_more(float(at)) for at in range(RESTARTS_MAX + 1)]

    assert [False] * RESTARTS_MAX + [True] == too_many
    assert not restarts.one_more(MINUTE + 1.5)


def test_start_that_fails_again_is_left_alone_for_longer() -> None:
    """A second, then twice as long each time; one that was up is started again at once."""
    restarts = Restarts()

    pauses = [restarts.pause(came_up=is_up) for is_up in (True, False, False, False, True, False)]

    assert [0.0, 1.0, 2.0, 4.0, 0.0, 1.0] == pauses


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


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "KILL", "TERM"])
def test_death_by_others_is_laid_to_no_program(tmp_path: Path, name: str) -> None:
    """Killed before it was ready, as for want of memory, it is started again like any other."""
    program = InstalledFiles.now(tmp_path / "package")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").touch()

    assert program.are_replaced()
    assert not child().could_not_start(-signal.Signals[f"SIG{name}"], program)


async def test_worker_left_out_is_tried_again_soon_and_then_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each by itself; once it has started it begins anew, and a pause has an end."""
    monkeypatch.setattr("atm_switch.child.OUT_SECONDS_FIRST", 0.01)
    monkeypatch.setattr("atm_switch.child.OUT_SECONDS_MAX", 0.05)
    out, pauses = LeftOut(), list[float]()
    for _ in range(4):
        await out.wait(1)
        pauses.append(out._pauses[1])
    await out.wait(2)
    out.is_back(1)
    await out.wait(1)

    assert [0.01, 0.02, 0.04, 0.05] == pauses
    assert {1: 0.01, 2: 0.01} == out._pauses


async def test_worker_left_out_is_tried_at_once_where_that_is_wished() -> None:
    """As at a SIGHUP, behind which somebody has put things right."""
    out = LeftOut()
    waiting = asyncio.create_task(out.wait(1))
    await asyncio.sleep(0)

    out.try_again()

    async with asyncio.timeout(OUT_SECONDS_FIRST / 2):
        await waiting
