"""A real switch that is unwell - no ledger, a worker that hangs: what it says of itself."""

import json
import os
import re
import signal
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from atm_switch.switch.breaker import FAILURES_MAX
from tests.doubles.machines import set_in
from tests.doubles.served import make_folder, run, serve
from tests.doubles.talk import Talk, inquiry
from tests.doubles.workers import wait_for, with_workers

CARD = "9990090000000012"


def rename(folder: Path, old: str, new: str) -> None:
    """Give a table of the ledger another name."""
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        ledger.execute(f"ALTER TABLE {old} RENAME TO {new}")


def page(address: str, path: str) -> tuple[int, dict[str, str]]:
    """Fetch a page of checks."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=90) as found:
            status, body = found.status, found.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    checks: dict[str, str] = json.loads(body)["checks"]
    return status, checks


def unwell(found: tuple[int, dict[str, str]]) -> tuple[int, dict[str, str]]:
    """Return the status of a page, and of its checks those that are not well."""
    status, checks = found
    return status, {name: said for name, said in checks.items() if said != "ok"}


def lag(address: str, worker: str) -> float:
    """Return how late a worker's loop is, in seconds."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=90) as found:
        lags = re.findall(
            r'atm_switch_loop_lag_seconds\{worker="(\d)"\} (\S+)', found.read().decode()
        )
    return float(dict(lags)[worker])


HANGS = (503, {"worker 1 loop": "does not answer"})


def test_worker_that_hangs_is_seen(tmp_path: Path) -> None:
    """
    A worker that stands still: /healthz is 503 and names it, and /metrics says that its loop
    is late, which the alert SwitchLoopHangs waits for; when it goes on all is well again.
    """
    folder = make_folder(tmp_path)
    set_in(folder, "metrics", listen="127.0.0.1:0")
    with_workers(folder, 2)
    with serve(folder) as served:
        served.wait_for("metrics served")
        (address,) = re.findall(r'"at": "(127[^"]+)"', served.log.read_text())
        wait_for(lambda: page(address, "/healthz")[0] == 200)
        pid = ask_switch(folder / FILE_NAME, "status")["processes"]["worker 1"]
        os.kill(pid, signal.SIGSTOP)
        try:
            first = page(address, "/healthz")
            # on a busy machine the other may stand still for a while, too
            wait_for(lambda: unwell(page(address, "/healthz")) == HANGS)
            wait_for(lambda: lag(address, "1") > 1 > lag(address, "2"))
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: page(address, "/healthz")[0] == 200)

    assert (503, "does not answer") == (first[0], first[1]["worker 1 loop"])


@pytest.mark.parametrize("workers", [1, 2])
def test_switch_that_answers_91_to_all_is_not_ready(tmp_path: Path, workers: int) -> None:
    """
    While the breaker is open /readyz is 503 and `status` exits 1, both naming the ledger;
    /healthz stays 200.  Once the ledger can be read both are well again, though nobody asked.
    """
    folder = make_folder(tmp_path, "--pin", "acquirer")
    set_in(folder, "metrics", listen="127.0.0.1:0")
    if workers > 1:
        with_workers(folder, workers)
    with serve(folder) as served:
        served.wait_for("metrics served")
        (address,) = re.findall(r'"at": "(127[^"]+)"', served.log.read_text())
        rename(folder, "cards", "cards_away")
        with Talk.of(served.port, folder) as talk:
            codes = [talk.ask(inquiry(at, {2: CARD}))[39] for at in range(FAILURES_MAX + 1)]
        ready, healthy = page(address, "/readyz"), page(address, "/healthz")
        told = run("status", folder)
        rename(folder, "cards_away", "cards")
        wait_for(lambda: page(address, "/readyz")[0] == 200)
        again = run("status", folder)

    assert {"91"} == set(codes)
    assert (503, 200) == (ready[0], healthy[0])
    assert any("91 at once" in said for said in ready[1].values())
    assert 1 == told.returncode
    assert "ledger fails" in told.stderr
    assert 0 == again.returncode, again.stderr
