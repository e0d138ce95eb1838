"""``atm-switch drain`` where the switch cannot do all of it, or says nothing."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from atm_switch.adapters.folder_lock import lock_folder
from atm_switch.cli import main, running
from atm_switch.server.admin_socket import ask_switch
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.stalled import locked
from tests.doubles.workers import with_workers


@pytest.mark.parametrize("workers", [1, 2])
def test_drain_ends_a_switch_whose_journal_stands_still(tmp_path: Path, workers: int) -> None:
    """
    It stops all the same; the audit that cannot be told of it is named in the log.  The exit code
    is 1 where the writer waits so long for the file that it is taken to hang.
    """
    folder = make_folder(tmp_path)
    with_workers(folder, workers)
    with serve(folder) as served:
        with locked(folder):
            done = run("drain", folder, "--timeout", "80")
            code = served.process.wait(SECONDS)
        told = served.log.read_text()

    assert (0, "the switch has stopped\n") == (done.returncode, done.stdout), done.stderr
    assert code in {0, 1}, told
    assert '"event": "stopped"' in told
    assert ('"event": "event not kept"' in told) or ('"event": "events not kept"' in told)


def test_drain_of_several_workers_is_in_the_audit(tmp_path: Path) -> None:
    """Its record is written beside the stop, and is there when that is over."""
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    with serve(folder) as served:
        done = run("drain", folder)
        code = served.process.wait(SECONDS)
    audited = run("audit", "export", folder).stdout

    assert (0, 0) == (done.returncode, code), done.stderr
    assert f"over the admin socket, by uid {os.getuid()}, pid " in audited
    assert "not kept" not in served.log.read_text()


def test_switch_that_hangs_up_is_not_taken_for_none(tmp_path: Path) -> None:
    """It is there, and says nothing: exit 1 and a sentence that does not say how to start one."""
    folder = make_folder(tmp_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "admin.sock"))
        other.listen()
        other.settimeout(SECONDS)

        def hang_up() -> None:
            asking, _ = other.accept()
            with asking:
                asking.recv(100)

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        done = run("drain", folder)
        hanging_up.join(SECONDS)

    assert 1 == done.returncode
    assert "hung up without an answer" in done.stderr
    assert "no switch serves" not in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_switch_tells_how_long_its_drain_may_take(tmp_path: Path, workers: int) -> None:
    """As the settings say that it runs with, not those written since."""
    folder = make_folder(tmp_path)
    with_workers(folder, workers)
    with serve(folder) as served:
        set_in(folder, "limits", drain_seconds_max=8)
        served.process.send_signal(signal.SIGHUP)
        served.wait_for('"event": "settings reloaded"')
        set_in(folder, "limits", drain_seconds_max=600)
        told = ask_switch(folder / "admin.sock", "drain", SECONDS)
        code = served.process.wait(SECONDS)

    assert {"draining": True, "drain_seconds_max": 8.0} == told
    assert 0 == code


@contextmanager
def never_gone(folder: Path, told: Mapping[str, object]) -> Iterator[None]:
    """Serve a folder as a switch that is told to drain, says so, and does not end."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "admin.sock"))
        other.listen()
        other.settimeout(SECONDS)

        def answer() -> None:
            asking, _ = other.accept()
            with asking:
                asking.recv(100)
                asking.sendall(json.dumps(told).encode() + b"\n")

        answering, release = threading.Thread(target=answer), lock_folder(folder)
        answering.start()
        try:
            yield
        finally:
            release()
            answering.join(SECONDS)


@pytest.mark.parametrize(
    ("told", "option", "waited"),
    [
        ({"drain_seconds_max": 0.25}, (), "0.75 s"),
        ({}, (), "0.875 s"),  # a release that does not tell: what the settings say
        ({"drain_seconds_max": 600}, ("--timeout", "0.125"), "0.125 s"),
    ],
    ids=["told", "written", "asked for"],
)
def test_drain_waits_as_long_as_the_switch_may_drain_and_more(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: Mapping[str, object],
    option: tuple[str, ...],
    waited: str,
) -> None:
    """Then it says how long that was; whoever gives a time has that waited for."""
    assert running.ENDING_SECONDS > 2 * 10
    monkeypatch.setattr(running, "ENDING_SECONDS", 0.5)
    folder = make_folder(tmp_path)
    with (folder / "switch.toml").open("a") as settings:
        settings.write("\n[limits]\ndrain_seconds_max = 0.375\n")

    with never_gone(folder, {"draining": True, **told}):
        code = main(["drain", str(folder), *option])

    assert 1 == code
    assert f"the switch still runs after {waited}" in capsys.readouterr().err
