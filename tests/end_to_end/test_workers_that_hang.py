"""Workers that stand still (SIGSTOP): what is told of them, and that a stop ends all the same."""

import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from atm_switch.child import RESTARTS_MAX
from tests.doubles.machines import set_in
from tests.doubles.served import make_folder, run
from tests.doubles.workers import Workers, running, wait_for, with_workers


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Workers]:
    """A bank of two workers, whose requests under way get no time at a stop."""
    folder = make_folder(tmp_path)
    set_in(folder, "metrics", listen="127.0.0.1:0")
    set_in(folder, "limits", drain_seconds_max=0)
    with_workers(folder, 2)
    with running(folder) as switch:
        switch.wait_until_all_answer()
        yield switch


def stand_still(switch: Workers, *names: str) -> list[int]:
    """Stop processes where they stand."""
    pids = [switch.told()["processes"][name] for name in names]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


def test_status_names_all_workers_that_hang(switch: Workers) -> None:
    """It waits for all at once, so that it answers before whoever asks gives up."""
    pids = stand_still(switch, "worker 1", "worker 2")
    try:
        shown = run("status", switch.folder)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    assert 1 == shown.returncode
    for name in ("worker 1", "worker 2"):
        assert re.search(f"{name}: does not answer|{name} +does not answer", shown.stdout), shown


@pytest.mark.parametrize("signals", [1, 2])
def test_stop_ends_beside_a_worker_that_hangs(switch: Workers, signals: int) -> None:
    """It is killed, sooner behind a second SIGTERM: no process stays, and exit code 1 says so."""
    told = switch.told()["processes"].values()
    stand_still(switch, "worker 1")
    for _ in range(signals):
        switch.served.process.send_signal(signal.SIGTERM)
        switch.served.wait_for('"event": "stopping"')
    code = switch.served.process.wait(90)
    said = switch.served.log.read_text()

    assert 1 == code
    assert re.findall(r'.*"event": "process killed".*', said)
    assert '"process": "worker 1"' in said
    assert [] == [pid for pid in told if Path(f"/proc/{pid}").exists()]
    assert 0 == run("journal", "verify", switch.folder).returncode


def stopped_amid_its_start(switch: Workers) -> int:
    """Have worker 1 die, and stop the one in its place before it is ready; return its pid."""
    for _ in range(RESTARTS_MAX - 1):  # on a busy machine the moment may be missed
        gone = switch.kill("worker 1")
        wait_for(lambda: switch.told()["processes"].get("worker 1") not in (None, gone))  # noqa: B023
        (pid,) = stand_still(switch, "worker 1")
        if _up(switch) == 1:
            return pid
        os.kill(pid, signal.SIGCONT)
    raise AssertionError("it was always up by then")


def test_worker_that_is_not_ready_is_not_up(switch: Workers) -> None:
    """A worker that died and stands still amid its start takes no connections: one is up."""
    pid = stopped_amid_its_start(switch)
    one_is_up = _up(switch)
    os.kill(pid, signal.SIGCONT)
    switch.wait_until_all_answer()

    assert (1.0, 2.0) == (one_is_up, _up(switch))


def test_hangup_reaches_a_worker_that_starts(switch: Workers) -> None:
    """It may have read its settings before: once it is ready it reads them anew, like the other."""
    pid = stopped_amid_its_start(switch)
    switch.served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: _reloaded(switch) == {2})
    os.kill(pid, signal.SIGCONT)

    wait_for(lambda: _reloaded(switch) == {1, 2})


def _reloaded(switch: Workers) -> set[int]:
    """Which workers have said that they read their settings anew."""
    return {told["worker"] for told in switch.said("settings reloaded")}


def _up(switch: Workers) -> float:
    switch.served.wait_for('"at": "127')  # its page of metrics is said behind its own readiness
    (address,) = re.findall(r'"at": "(127[^"]+)"', switch.served.log.read_text())
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=90) as page:
        shown = page.read().decode()
    (count,) = re.findall(r"(?m)^atm_switch_workers_up (\S+)$", shown)
    return float(count)
