"""SIGTERM while the PostgreSQL of the journal hangs: gone within five seconds all the same."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.ledger_away import stop_all
from tests.doubles.brokers import HOST, EmbeddedBroker, free_port
from tests.doubles.brokers import running as a_broker
from tests.doubles.machines import set_in
from tests.doubles.postgres import FallenServer, server_to_fall
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.talk import Talk, inquiry
from tests.end_to_end.test_stopping import STOP_SECONDS_MAX, quickest

CARD = "9990090000000012"


@contextmanager
def hanging(server: FallenServer) -> Iterator[None]:
    """Stop every process of a server for a block: connections are taken, and nothing answered."""
    stop_all(server, signal.SIGSTOP)
    try:
        yield
    finally:
        stop_all(server, signal.SIGCONT)


@pytest.mark.parametrize("hangs_for", [0.0, 3.0], ids=["just now", "for a while"])
def test_switch_is_gone_within_five_seconds(tmp_path: Path, hangs_for: float) -> None:
    """
    Idle, with a broker that is there: whether the server has just begun to hang or everything
    waits for it by then.  The next start finds the journal sound.
    """
    port = free_port()
    with server_to_fall() as server, a_broker(EmbeddedBroker, port):
        folder = make_folder(tmp_path, "--pin", "acquirer")
        set_in(folder, "journal", url=server.url, node="one")
        set_in(folder, "events", broker=f"mqtt://{HOST}:{port}")
        took = quickest(lambda: seconds_of_a_stop(folder, server, hangs_for))
        verified = run("journal", "verify", folder)

    assert took < STOP_SECONDS_MAX
    assert 0 == verified.returncode, verified.stdout + verified.stderr


def seconds_of_a_stop(folder: Path, server: FallenServer, hangs_for: float) -> float:
    """Serve, ask once, have the server hang, and stop; return how long that took."""
    with serve(folder) as served:
        served.wait_for("broker connected")
        with Talk.of(served.port, folder) as talk:
            assert "00" == talk.ask(inquiry(1, {2: CARD}))[39]
        with hanging(server):
            time.sleep(hangs_for)  # it is the hanging itself that takes time
            began = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            code = served.process.wait(SECONDS)
            took = time.monotonic() - began
    served.log.unlink()  # the next one has a log of its own
    assert 0 == code
    return took
