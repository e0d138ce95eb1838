"""A switch of several workers, seen from outside: its processes, and where each link fell."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atm_switch.server.admin_socket import ask_switch
from tests.doubles.served import Served, serve
from tests.doubles.talk import HungUp, Talk, inquiry, stamp

SECONDS, ASKED_SECONDS_MAX = 90.0, 30.0
CARD, PIN = "9990090000000012", "123456"
"""Of the sample's first member."""


@dataclass
class Workers:
    """A running supervisor and its folder."""

    folder: Path
    served: Served

    def told(self, question: str = "status") -> dict[str, Any]:
        """Ask over the admin socket."""
        return ask_switch(self.folder / "admin.sock", question, ASKED_SECONDS_MAX)

    def said(self, event: str) -> list[dict[str, Any]]:
        """Read what the log has of an event, oldest first."""
        whole, _, _unfinished = self.served.log.read_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def kill(self, name: str) -> int:
        """Kill a process where it stands; return its pid."""
        pid: int = self.told()["processes"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_all_answer(self, gone: int = 0) -> None:
        """Wait until every process is there and ready, and none of them is ``gone``."""
        wait_for(lambda: all_answer(self.folder, gone))

    def talk(self, pause: float = 0.05) -> Talk:
        """Sign on, however often a worker dies meanwhile; ``pause`` is between tries, seconds."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return Talk.of(self.served.port, self.folder)
            except HungUp:
                assert time.monotonic() < deadline
                time.sleep(pause)

    def worker_of(self, talk: Talk) -> int:
        """Tell at which worker a link fell, once that one says so: it may stand still just now."""
        host, port = talk.local
        deadline = time.monotonic() + SECONDS
        while True:
            at = {one["peer"]: one["worker"] for one in self.told("sessions")["sessions"]}
            if f"{host}:{port}" in at:
                return int(at[f"{host}:{port}"])
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def talks_apart(self) -> tuple[Talk, Talk]:
        """Sign on at two workers; how many links ended is heard of a moment later.

        Where one of them refuses the sign-on no link is left.
        """
        deadline = time.monotonic() + SECONDS
        with ExitStack() as left:
            one = left.enter_context(self.talk())
            at = self.worker_of(one)
            while True:
                assert time.monotonic() < deadline
                with ExitStack() as other:
                    two = other.enter_context(self.talk())
                    if self.worker_of(two) != at:
                        other.pop_all()
                        left.pop_all()
                        return one, two
                time.sleep(0.1)


def all_answer(folder: Path, gone: int = 0) -> bool:
    """Tell whether every process is there and ready, and none is ``gone``.  Raises ``OSError``."""
    told = ask_switch(folder / "admin.sock", "status", ASKED_SECONDS_MAX)
    return gone not in told["processes"].values() and set(told["checks"].values()) == {"ok"}


def has_ended(switch: Workers) -> bool:
    """Tell whether the switch itself is gone."""
    return switch.served.process.poll() is not None


def another(switch: Workers, name: str, gone: int) -> bool:
    """Tell whether a process stands in for one that is gone."""
    return switch.told()["processes"].get(name) not in (None, gone)


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fail after ``SECONDS``."""
    deadline = time.monotonic() + SECONDS
    while not _is(is_so):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is(is_so: Callable[[], bool]) -> bool:
    try:
        return is_so()
    except OSError:
        return False


def with_workers(folder: Path, count: int) -> None:
    """Set the number of workers."""
    path = folder / "switch.toml"
    path.write_text(re.sub(r"(?m)^mode = ", f"workers = {count}\nmode = ", path.read_text()))


@contextmanager
def running(folder: Path) -> Iterator[Workers]:
    """Serve a folder of several workers for a block."""
    with serve(folder) as served:
        yield Workers(folder, served)


def asked(talk: Talk, number: int, pin: str, card: str = CARD, sent: str = "") -> str:
    """Ask for the balance of a card and return DE39."""
    elements = {2: card, 7: sent or stamp(), 52: talk.pin_block(pin, card)}
    return talk.ask(inquiry(number, elements))[39]
