"""Decode-and-answer server against a framed echo on the same loop, CPU a request.

Plan: 4 links with 16 frames in flight each, host and load on one core, closed loop; the load
counts frames by their length and writes as many new ones as came, in one go.  The first
answer is decoded and looked at; the hosts take turns.  See ``answering_host``.
Limits: what the echo costs is the floor of the loop, so this is a ratio to Python's limit.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from typing import Final

from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.bench.codec import COMPILED, PURE, trees_of
from tests.bench.codec_trips import REQUEST
from tests.bench.figure import Bench, Goal, Got
from tests.bench.generator import cpu_seconds
from tests.bench.hosts import Host, running
from tests.bench.instructions import environment

ANSWERING: Final = "decode-and-answer server, CPU a request, against a framed echo, "
GOALS = (
    Goal(ANSWERING + PURE, least=8, aim=6, less_is_better=True),
    Goal(ANSWERING + COMPILED, least=4, aim=2.5, less_is_better=True),
)
LINKS, IN_FLIGHT, SECONDS, WARM = 4, 16, 2.0, 0.5
ECHO: Final = "echo"
HOST: Final = "tests.bench.answering_host"


@dataclass(slots=True)
class Pipe:
    """One link of the load."""

    socket: socket.socket
    pending: bytes = b""

    def take(self) -> int:
        """Read, and return how many whole frames came."""
        data = self.pending + self.socket.recv(1 << 18)
        start, count = 0, 0
        while len(data) - start >= 2:
            end = start + 2 + int.from_bytes(data[start : start + 2], "big")
            if end > len(data):
                break
            start, count = end, count + 1
        self.pending = data[start:]
        return count


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    trees, missing = trees_of(bench)
    core = max(os.sched_getaffinity(0))
    taken: dict[str, list[float]] = {one: [] for one in (*trees, ECHO)}
    for number in range(1, bench.rounds + 1):
        for one, spent in taken.items():
            tree = trees.get(one, trees[PURE])
            kind, variables = (
                "echo" if one == ECHO else "answer",
                environment(tree, is_pure=one != COMPILED),
            )
            log = bench.folder / "host.log"
            with running(HOST, kind, str(core), log=log, tree=tree, variables=variables) as host:
                spent.append(_on_core(core, host, answers=one != ECHO))
        bench.say(f"round {number}: " + ", ".join(f"{k} {v[-1]:.1f} us" for k, v in taken.items()))
    for one in trees:
        ratios = [spent / echo for spent, echo in zip(taken[one], taken[ECHO], strict=True)]
        parts = {kind: min(taken[kind]) for kind in (one, ECHO)}
        yield Got(ANSWERING + one, ratios, parts=parts)
    if missing:
        yield Got.left_out(ANSWERING + COMPILED, missing)


def _on_core(core: int, host: Host, *, answers: bool) -> float:
    """Load from a thread on the host's core, so that the process keeps its own."""
    found: list[float] = []

    def work() -> None:
        os.sched_setaffinity(0, {core})  # of this thread
        found.append(_loaded(host, answers=answers))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def _loaded(host: Host, *, answers: bool) -> float:
    packager = Packager(load_profile("bpjstk-jht-v1"))
    frame = enclose(packager.profile.framing, packager.pack(IsoMessage("0200", REQUEST)))
    with DefaultSelector() as selector:
        pipes = [Pipe(socket.create_connection(("127.0.0.1", host.port))) for _ in range(LINKS)]
        for pipe in pipes:
            selector.register(pipe.socket, EVENT_READ, pipe)
        if answers:
            _require_answer(pipes[0].socket, frame, packager)
        for pipe in pipes:
            pipe.socket.sendall(frame * IN_FLIGHT)
        _run(selector, frame, WARM)
        before = cpu_seconds(host.process)
        count = _run(selector, frame, SECONDS)
        spent = cpu_seconds(host.process) - before
        for pipe in pipes:
            pipe.socket.close()
    return spent / count * 1e6


def _run(selector: DefaultSelector, frame: bytes, seconds: float) -> int:
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for key, _ in selector.select(1.0):
            came = key.data.take()
            count += came
            key.data.socket.sendall(frame * came)
    return count


def _require_answer(link: socket.socket, frame: bytes, packager: Packager) -> None:
    link.sendall(frame)
    size = int.from_bytes(_exactly(link, 2), "big")
    answer = packager.unpack(_exactly(link, size))
    if (answer.mti, answer.get(39), answer.get(11)) != ("0210", "00", REQUEST[11]):
        raise ChildProcessError("the host does not answer as it should")


def _exactly(link: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += link.recv(count - len(data))
    return data
