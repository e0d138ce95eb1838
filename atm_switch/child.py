"""One process of a switch of several, and what it is known to have.

Plan: it is this program once more, told by ``--as-process`` which one it is; each of both holds
an end of a socket (``control``), by which it hears that the other is gone.
A worker says now and then how many links each host has to it, and how many of the
connections handed to it are among them or were turned away; those it has not spoken of are
counted beside, so that what is under way is neither forgotten nor counted twice.
"""

import asyncio
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from atm_switch import seat
from atm_switch.adapters.handed_text import handed
from atm_switch.domain.errors import Refused
from atm_switch.process_place import OTHER_RELEASE, WRITER, InstalledFiles, ProcessPlace
from atm_switch.server.control import Control, pair

READY_SECONDS_MAX: Final = 30.0
RESTARTS_MAX: Final = 5
MINUTE: Final = 60.0
PAUSE_SECONDS_FIRST: Final = 1.0
"""Behind a start that failed, doubled by each further one: what hindered it may pass meanwhile."""
GIVEN_UP: Final = 70
"""The exit code of a switch whose processes die all the time: EX_SOFTWARE of sysexits(3)."""
OUT_SECONDS_FIRST: Final = 10.0
OUT_SECONDS_MAX: Final = 300.0
"""Between two attempts to start a process from a program of another release: longer each time."""
BY_OTHERS: Final = tuple(
    -getattr(signal, f"SIG{name}") for name in ("HUP", "INT", "QUIT", "KILL", "TERM")
)
"""How a process ends by a signal that others send, and no program to itself."""
REPLACED: Final = (
    "atm-switch was replaced under this switch, by another release or in part: see that one is"
    " installed whole, then stop the switch and start it again"
)
NO_ROOM: Final = "waits for a descriptor or memory to be started with"
"""What is said of a worker that cannot be started for want of room."""
NOT_UP: Final = "did not come up, and is tried again; the log says why"
"""What is said of one that ended amid its start."""
AT_ONCE_SECONDS_MAX: Final = 3.0
"""From a second SIGTERM until a process that still runs is killed."""


@dataclass
class Child:
    """One process of ours."""

    number: int
    process: asyncio.subprocess.Process
    control: Control
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    handed_in: int = 0
    ended: int = 0
    peers: Counter[str] = field(default_factory=Counter)
    """How many links each host had to it when it last said so."""
    settled: int = 0
    """How many of those handed in were counted among them, or turned away."""
    unsettled: deque[str] = field(default_factory=deque)
    """The hosts of those handed in since."""
    well_at: float = float("-inf")
    """When it last said that it is well; monotonic seconds."""
    has_reloaded: bool = True
    """Whether it has taken its settings anew since that was last asked of it."""
    _stops_told: int = 0
    """1: to finish; 2: to end at once."""

    @property
    def links(self) -> int:
        """How many it has, as far as is known."""
        return self.handed_in - self.ended

    def links_of(self, host: str) -> int:
        """Count what a host has to it, those under way to it with them."""
        return self.peers[host] + self.unsettled.count(host)

    def hears_peers(self, links: Mapping[str, int], settled: int) -> None:
        """Take how many links some hosts have to it, so many of those handed in being settled."""
        self.peers.update({host: count - self.peers[host] for host, count in links.items()})
        self.peers = +self.peers  # without those of no link
        for _ in range(min(settled - self.settled, len(self.unsettled))):
            self.unsettled.popleft()
        self.settled = settled

    @property
    def name(self) -> str:
        """What the log calls it."""
        return name_of(self.number)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.process.returncode is None:
            self.process.send_signal(number)

    def stop(self, *, is_at_once: bool) -> None:
        """Have a worker finish, or end at once; said again is what its full socket did not take.

        One that is not ready has nothing to finish: the signal ends it, unless it hears by now.
        """
        stops = 1 + is_at_once
        if self._stops_told < stops and self.control.say({seat.STOP: is_at_once}):
            self._stops_told = stops
            if not self.is_ready.is_set():
                self.signal(signal.SIGTERM)

    def could_not_start(self, code: int, program: InstalledFiles) -> bool:
        """Tell whether it ended because it is of another program than whoever started it.

        It says so itself; or it ended by itself before it was ready, and the files are others than
        those of ``program``: they need not be whole, or an older release may be there.
        """
        if self.is_ready.is_set() or code in BY_OTHERS:
            return code == OTHER_RELEASE
        return code == OTHER_RELEASE or program.are_replaced()

    async def come_up(self) -> None:
        """Wait until it is ready.  Raises ``Refused`` where it ends before, or hangs."""
        ended = asyncio.ensure_future(self.process.wait())
        ready = asyncio.ensure_future(self.is_ready.wait())
        await asyncio.wait(
            {ended, ready}, timeout=READY_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED
        )
        ready.cancel()
        if not self.is_ready.is_set():
            raise Refused(f"the {self.name} did not start; see what it says above")


async def spawned(
    root: Path,
    number: int,
    count: int,
    heard: Callable[[Child, dict[str, Any]], None],
    settings: str = "",
) -> Child:
    """Start process ``number`` of a switch of ``count`` workers on the folder ``root``.

    What it says is told to ``heard``; a worker runs with ``settings``, whatever the folder's
    file says by now.  Raises ``OSError`` where there is no room for it.
    """
    ours, theirs = pair()
    try:
        with theirs, nullcontext() if number == WRITER else handed(settings) as text:
            place = ProcessPlace(number, count, theirs.fileno(), text)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "atm_switch", "serve", str(root)),
                *("--as-process", place.written()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=place.inherited,
            )
    except BaseException:
        ours.close()
        raise
    child = Child(number, process, Control(ours, lambda said, _: heard(child, said), lambda: None))
    child.control.start()
    return child


@dataclass
class Restarts:
    """How often a process was started again in the last minute; monotonic seconds."""

    at: deque[float] = field(default_factory=deque)
    failed: int = 0
    """How many starts have failed since one came up."""

    def one_more(self, now: float) -> bool:
        """Count one; tell whether there were too many."""
        self.at.append(now)
        while self.at[0] < now - MINUTE:
            self.at.popleft()
        return len(self.at) > RESTARTS_MAX

    def pause(self, *, came_up: bool) -> float:
        """Hear whether it was up before it ended; return how long it is left alone, seconds."""
        self.failed = 0 if came_up else self.failed + 1
        return PAUSE_SECONDS_FIRST * 2.0 ** (self.failed - 1) if self.failed else 0.0


async def pause(ends: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until something ends it."""
    with suppress(TimeoutError):
        await asyncio.wait_for(ends.wait(), seconds)


@dataclass
class LeftOut:
    """The workers that cannot be started: none of them speaks against those that serve."""

    numbers: set[int] = field(default_factory=set)
    """Those that the program installed meanwhile does not start."""
    without_room: set[int] = field(default_factory=set)
    """Those for which there is no descriptor left, or no memory."""
    not_up: set[int] = field(default_factory=set)
    """Those whose start failed, until one comes up."""
    program: InstalledFiles = field(default_factory=InstalledFiles.now)
    """That of whoever starts them."""
    _again: asyncio.Event = field(default_factory=asyncio.Event)
    _pauses: dict[int, float] = field(default_factory=dict)
    """Before the latest attempt with each, while none succeeds."""

    def reasons(self) -> dict[int, str]:
        """Say of each why it is not there."""
        return {
            **dict.fromkeys(self.not_up, NOT_UP),
            **dict.fromkeys(self.without_room, NO_ROOM),
            **dict.fromkeys(self.numbers, f"left out: {REPLACED}"),
        }

    async def wait(self, number: int) -> None:
        """Wait until another attempt with a worker is due: an upgrade may be under way just now."""
        seconds = min(2 * self._pauses.get(number, OUT_SECONDS_FIRST / 2), OUT_SECONDS_MAX)
        self._pauses[number] = seconds
        await pause(self._again, seconds)

    def is_back(self, number: int) -> None:
        """Hear that a worker has started."""
        self.numbers.discard(number)
        self.not_up.discard(number)
        self._pauses.pop(number, None)

    def try_again(self) -> None:
        """Make it due now, for all who wait."""
        self._again.set()
        self._again = asyncio.Event()


def name_of(number: int) -> str:
    """Name a process by its number, for log, status and metrics."""
    return f"worker {number}" if number else "journal writer"
