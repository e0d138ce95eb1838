"""A switch of several workers, seen from outside: its processes, and where each link fell."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atm_switch.server.admin_socket import ask_switch
from tests.doubles.served import Served
from tests.doubles.talk import HungUp, Talk

SECONDS = 30.0


@dataclass
class Workers:
    """A running supervisor and its folder."""

    folder: Path
    served: Served

    def told(self, question: str = "status") -> dict[str, Any]:
        """Ask over the admin socket."""
        return ask_switch(self.folder / "admin.sock", question)

    def kill(self, name: str) -> int:
        """Kill a process where it stands; return its pid."""
        pid: int = self.told()["processes"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_all_answer(self, gone: int = 0) -> None:
        """Wait until every process is there and ready, and none of them is ``gone``."""
        wait_for(
            lambda: (
                gone not in self.told()["processes"].values()
                and set(self.told()["checks"].values()) == {"ok"}
            )
        )

    def talk(self) -> Talk:
        """Sign on, however often a worker dies meanwhile."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return Talk.of(self.served.port, self.folder)
            except HungUp:
                assert time.monotonic() < deadline

    def worker_of(self, talk: Talk) -> int:
        """Tell at which worker a link fell."""
        host, port = talk.local
        at = {one["peer"]: one["worker"] for one in self.told("sessions")["sessions"]}
        return int(at[f"{host}:{port}"])

    def talks_apart(self) -> tuple[Talk, Talk]:
        """Sign on at two workers; how many links ended is heard of a moment later."""
        one = self.talk()
        deadline = time.monotonic() + SECONDS
        while True:
            two = self.talk()
            if self.worker_of(one) != self.worker_of(two):
                return one, two
            two.close()
            assert time.monotonic() < deadline
            time.sleep(0.1)


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
