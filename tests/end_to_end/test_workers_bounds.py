"""Several workers: how they end, what is told of all, what one peer may take of all."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.doubles.machines import set_in
from tests.doubles.served import make_folder, run
from tests.doubles.talk import HungUp, Talk
from tests.doubles.workers import PIN, Workers, asked, running, wait_for, with_workers


def test_sigterm_ends_all_processes(tmp_path: Path) -> None:
    """SIGTERM to the supervisor: exit code 0, no process stays, start and stop are recorded."""
    folder = make_folder(tmp_path)
    with_workers(folder, 3)
    with running(folder) as switch:
        pids = switch.told()["processes"].values()
        assert 4 == len(pids)
        assert 0 == switch.served.stop()
    trail = run("audit", "tail", folder, "-n", "100").stdout

    assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert (3, 3) == (trail.count("  start "), trail.count("  stop "))


def test_metrics_of_all_and_an_end_without_the_supervisor(tmp_path: Path) -> None:
    """/metrics has every worker's samples; where the supervisor is killed all processes end."""
    folder = make_folder(tmp_path, "--mac", "required")
    set_in(folder, "metrics", listen="127.0.0.1:0")
    with_workers(folder, 2)
    with running(folder) as switch:
        switch.served.wait_for("metrics served")
        (address,) = re.findall(r'"at": "(127[^"]+)"', switch.served.log.read_text())
        one, two = switch.talks_apart()
        with one, two:
            assert ["00", "00"] == [asked(talk, 1, PIN) for talk in (one, two)]
            shown, ready = fetched(address, "/metrics"), fetched(address, "/readyz")
        pids = list(switch.told()["processes"].values())
        switch.served.process.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))

    counted = re.findall(r'atm_switch_requests_total\{.*code="00".*worker="(\d)".*\} (\S+)', shown)
    assert {"1", "2"} == {worker for worker, _ in counted}
    assert '"ok": true' in ready
    assert 0 == run("journal", "verify", folder).returncode


def fetched(address: str, path: str) -> str:
    """Read a page."""
    with urllib.request.urlopen(f"http://{address}{path}", timeout=90) as page:
        content: bytes = page.read()
    return content.decode()


@contextmanager
def at_the_bound(place: Path) -> Iterator[tuple[Workers, list[Talk]]]:
    """Run two workers for a block, and lend the four links that one address may have."""
    folder = make_folder(place)
    set_in(folder, "limits", connections_per_peer_max=4)
    with_workers(folder, 2)
    with running(folder) as workers:
        links = [workers.talk() for _ in range(4)]
        yield workers, links
        for link in links:
            link.close()


def test_peer_has_its_bound_over_all_workers(tmp_path: Path) -> None:
    """
    Four connections from one address are four, whichever worker they fall to; the fifth is
    closed, and once one has hung up there is room for one again, however often.
    """
    with at_the_bound(tmp_path) as (workers, links):
        for _ in range(3):
            with pytest.raises(HungUp):
                Talk.of(workers.served.port, workers.folder)
            links.pop().close()
            links.append(workers.talk())  # it is turned away until the end was heard of
    assert "too many connections" in workers.served.log.read_text()


def test_peer_that_keeps_trying_is_let_in(tmp_path: Path) -> None:
    """
    Its own tries, turned away by one worker, do not count against it at the other one for
    longer than that takes: however often it tries, and whenever the others' ends are heard of.
    """
    with at_the_bound(tmp_path) as (workers, links):
        for _ in range(12):
            links.pop(0).close()
            links.append(workers.talk(pause=0.02))
