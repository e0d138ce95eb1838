"""A start loads what its settings ask for, and no more: each module is waited for.

Modules are counted, not seconds, so that a loaded machine changes nothing.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.doubles.served import SECONDS, make_folder

OWN_MOST = 246
"""Modules of our own that a plain folder's switch is made of; 243 when this was set."""
FOREIGN_MOST = 140
"""Of libraries, which vary with their releases; 126 when this was written."""
UNUSED = {
    "prometheus_client": "metrics are not served",
    "wsgiref": "metrics are not served",
    "aiomqtt": "events are told to no broker",
    "paho": "events are told to no broker",
    "asyncpg": "nothing is on PostgreSQL",
    "cryptography.x509": "no listener has TLS",
    "atm_switch.adapters.host_hsm": "there is no hardware",
    "atm_switch.supervisor": "there is one process",
    "rich": "nothing is drawn",
}
"""What a plain folder's switch has no use for, and why."""
UNREAD = {"pydantic", "atm_switch.folder", "atm_switch.settings", "atm_switch.app"}
"""What the writer's process need not load, for it is told; the switch waits for its start."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules a switch has loaded by the time it listens."""
    bank = tmp_path_factory.mktemp("start") / "bank"
    command = [sys.executable, "-X", "importtime", "-m", "atm_switch"]
    subprocess.run(
        [sys.executable, "-m", "atm_switch", "init", str(bank), "--listen", "127.0.0.1:0"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    log = bank.with_name("log")
    with log.open("w") as said, subprocess.Popen(
        [*command, "serve", str(bank)], stdout=subprocess.PIPE, stderr=said, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        listens = process.stdout.readline()
        told = log.read_text()
        process.terminate()
    assert listens.startswith("listening on "), told[-500:]
    return set(re.findall(r"^import time: .*\| +([\w.]+)$", told, re.MULTILINE))


def test_start_loads_nothing_it_has_no_use_for(loaded: set[str]) -> None:
    """Neither a library of a neighbour that is not there, nor our half of it."""
    assert "atm_switch.app" in loaded
    assert set() == UNUSED.keys() & loaded


def test_start_does_not_grow_unnoticed(loaded: set[str]) -> None:
    """So many modules at most; who adds to them raises the bound and knows it."""
    own = {name for name in loaded if name.startswith("atm_switch")}
    foreign = {name for name in loaded - own if name.split(".")[0] not in sys.stdlib_module_names}

    assert len(own) <= OWN_MOST, sorted(own)
    assert len(foreign) <= FOREIGN_MOST, sorted(foreign)


def test_writer_reads_no_settings() -> None:
    """It goes by what it is told: what reads them would be two thirds of its start."""
    program = "import sys, atm_switch.cli.serve, atm_switch.writer_process; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=SECONDS
    )

    assert set() == UNREAD & set(done.stdout.split())


def test_hangup_amid_the_start_is_heeded_once_it_is_up(tmp_path: Path) -> None:
    """
    SIGHUP as early as a switch can wait for it ends nothing, and nobody is told "ready" before
    the switch listens: then settings are read anew, for they may have changed meanwhile.
    """
    folder = make_folder(tmp_path)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        (tmp_path / "log").open("w") as log,
    ):
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(SECONDS)
        with subprocess.Popen(
            [sys.executable, "-m", "atm_switch", "serve", str(folder)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "NOTIFY_SOCKET": systemd.getsockname()},
        ) as process:
            assert process.stdout is not None
            until = time.monotonic() + SECONDS
            while not _keeps_hangup(process.pid):
                assert time.monotonic() < until
            process.send_signal(signal.SIGHUP)
            listens = process.stdout.readline()
            told = [systemd.recv(1024).decode().splitlines()[0] for _ in range(3)]
            process.terminate()
        said = (tmp_path / "log").read_text()

    assert listens.startswith("listening on ")
    assert 0 == process.returncode
    assert ["READY=1", "RELOADING=1", "READY=1"] == told
    assert 1 == said.count("settings reloaded")


def _keeps_hangup(pid: int) -> bool:
    """Tell whether SIGHUP waits for a process (proc(5): SigBlk)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = re.findall(r"^SigBlk:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(int(mask, 16) & 1)
