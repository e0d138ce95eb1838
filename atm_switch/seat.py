"""Which of several processes this one is, its way to the supervisor, and when it is to end."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from atm_switch.adapters.handed_text import taken
from atm_switch.server.control import Control
from atm_switch.server.peers import Peers

TAKE, LENT, READY, ENDED = "take", "lent", "ready", "ended"
"""What the messages say: a connection for a door; where the doors are; ready; how many links
that were handed in have ended."""
HOST, ELSEWHERE, PEERS, SETTLED = "host", "elsewhere", "peers", "settled"
"""Whose a connection is, and how many links it has to others; how many each has to a worker,
and how many of those handed in are among them, or were turned away."""
PEERS_AT_ONCE: Final = 200
"""Hosts in one message."""
WELL, RELOADED = "well", "reloaded"
"""What a worker says of itself: whether its journal commits; that it took its settings anew."""
DOUBTS = "doubts"
"""How many requests in doubt the writer ended, by acquirer."""
ORDERS = "orders"
"""What the writer's process goes by (``writer_orders``)."""
SETTINGS = "settings"
"""Said to a worker that is to take them, certificates and keys anew; their text rides on it."""
LEVEL = "level"
"""The least that the writer's process logs from now on."""
STOP = "stop"
"""Said to a worker: that it is to finish, or to end at once.  No signal says that, for others send
theirs to all processes, and one beside the supervisor's would be taken for a second stop."""
MEANT_SECONDS: Final = 2.0
"""Behind a signal to a worker, until it was meant alone: what the supervisor says comes at once."""
FRESH = "fresh"
"""Said beside ``LENT``: all processes start, none of the run before is left."""

LOST: Final = 74
"""The exit code of a process whose journal cannot go on: EX_IOERR of sysexits(3)."""
FIRST: Final = 1
TELL_SECONDS: Final = 1.0


@dataclass
class Seat:
    """A worker's place among ``count``; without a supervisor there is one process, number 0."""

    number: int = 0
    count: int = 1
    lent: tuple[str, ...] = ()
    """Where the supervisor listens for this worker's doors."""
    is_fresh: bool = True
    """Whether all processes start with this one; otherwise it stands in for one that died."""
    orders: dict[str, Any] = field(default_factory=dict)
    """What this process goes by where it is the writer's."""
    leveled: Callable[[str], None] = field(default=lambda _level: None)
    """Told the least that is logged from now on, where this is the writer's process."""
    reread: Callable[[str | None], None] = field(default=lambda _text: None)
    """Told the settings to be taken anew, where this is a worker; without them it reads them."""
    finish: Callable[[], None] = field(default=lambda: None)
    end_at_once: Callable[[], None] = field(default=lambda: None)
    """Called where the supervisor has this worker finish, or end without that."""
    control: Control | None = None
    taken: Callable[[int, int, int, Callable[[], None]], None] = field(
        default=lambda _at, _descriptor, _others, _settled: None
    )
    """Told the door and the descriptor of a connection that is handed in, how many links its
    peer has to other workers, and whom to tell once it counts here or was turned away."""
    peers: Peers = field(default_factory=Peers)
    """Who has how many links here."""
    hosts: set[str] = field(default_factory=set)
    """Of whom the supervisor has yet to be told: theirs were settled, or it did not hear of it."""
    handed_in: int = 0
    """Connections so far."""
    settled: int = 0
    """How many of them count as links of their peers by now, or were turned away."""
    told_well_at: float = -TELL_SECONDS
    ended: int = 0
    """How many of them the supervisor was last told have ended."""
    has_writer: bool = False
    """Whether a process beside it writes the journal's file, though this is no worker."""
    processes: dict[str, int] = field(default_factory=dict)
    """The other processes of this one, by name."""
    deaths: Counter[str] = field(default_factory=Counter)
    """How often each of them ended unasked; 0 of one that never did."""

    @property
    def is_worker(self) -> bool:
        """Whether there is a supervisor, and others beside this process."""
        return self.number > 0

    @property
    def is_alone(self) -> bool:
        """Whether this process does all: holds the folder, writes the journal's file."""
        return not (self.is_worker or self.has_writer)

    @property
    def is_first(self) -> bool:
        """Whether this process does what one does for all: telling events, above all."""
        return self.number <= FIRST

    @property
    def suffix(self) -> str:
        """What tells this process's node and files from the others'; empty where it is alone."""
        return f".{self.number}" if self.is_worker else ""

    def heard(self, message: dict[str, Any], descriptor: int | None) -> None:
        """Take what the supervisor says."""
        self.lent = tuple(message.get(LENT, self.lent))
        self.is_fresh = bool(message.get(FRESH, self.is_fresh))
        self.orders = message.get(ORDERS, self.orders)
        if LEVEL in message:
            self.leveled(str(message[LEVEL]))
        if STOP in message:
            (self.end_at_once if message[STOP] else self.finish)()
        if SETTINGS in message:
            self.reread(None if descriptor is None else taken(descriptor))
        if TAKE not in message:
            return
        self.handed_in += 1
        at, elsewhere = int(message[TAKE]), int(message.get(ELSEWHERE, 0))
        host = str(message.get(HOST, ""))
        if descriptor is None:  # none was left to take it with: the kernel has hung up
            self._settle(host)
        else:
            self.taken(at, descriptor, elsewhere, lambda: self._settle(host))

    def _settle(self, host: str) -> None:
        self.settled += 1
        self.hosts.add(host)  # also one that is gone again by now
        # At once: a peer whose tries count until a tick is locked out by trying again soon.
        self.tell_peers()

    def tell_ready(self) -> None:
        """Say that connections may come."""
        if self.control is not None:
            self.control.say({READY: True})

    def tell_reloaded(self, digest: str) -> None:
        """Say that certificates and keys were read anew, and which settings: none if empty."""
        if self.control is not None:
            self.control.say({RELOADED: digest})

    def tell_doubts(self, ended: Mapping[str, int]) -> None:
        """Say how many requests in doubt were ended, by acquirer."""
        if self.control is not None:
            self.control.say({DOUBTS: dict(ended)})

    def tell_well(self, now: float, *, is_well: bool) -> None:
        """Say once a second whether the supervisor need not worry; ``now`` is monotonic."""
        if self.control is not None and now - self.told_well_at >= TELL_SECONDS:
            self.told_well_at = now
            self.control.say({WELL: is_well})

    def tell_peers(self) -> None:
        """Say how many links each host has here by now for which that may be news.

        What cannot be said now is said with what comes next; nothing is settled before it.
        """
        self.hosts |= self.peers.changes()
        hosts = sorted(self.hosts)
        for at in range(0, len(hosts), PEERS_AT_ONCE):
            some = hosts[at : at + PEERS_AT_ONCE]
            told = {PEERS: {host: self.peers.of(host) for host in some}, SETTLED: self.settled}
            if self.control is not None and not self.control.say(told):
                return
            self.hosts.difference_update(some)

    def tell_ended(self, links: int) -> None:
        """Say how many links have ended, of which so many are left.

        One that is on its way into the desk is neither there nor gone.
        """
        ended = max(self.ended, self.settled - links)
        if self.control is not None and ended != self.ended and self.control.say({ENDED: ended}):
            self.ended = ended


class StopAsked:
    """What this process was asked: to stop, or to end at once."""

    def __init__(self, gone: asyncio.Event | None) -> None:
        """Cancel the current task to end; ``gone`` tells that a worker's supervisor is."""
        self.to_stop, self.is_at_once, self._is_asked = asyncio.Event(), False, False
        self._main, self._gone = asyncio.current_task(), gone

    def at_once(self) -> None:
        """End."""
        self.is_at_once = True
        if self._main is not None:
            self._main.cancel()
        self.to_stop.set()

    def once_more(self) -> None:
        """Stop; where somebody asked for that before, end.

        What stops by itself, for its disk is lost or its supervisor gone, was asked by nobody.
        """
        (self.at_once if self._is_asked else self.to_stop.set)()
        self._is_asked = True

    def by_signal(self) -> None:
        """Hear SIGTERM or Ctrl-C; a worker does at once when its supervisor is gone.

        Before, that one says what they do: systemd and a terminal tell all processes at once,
        which is no second stop for each of them.  Where it says nothing the worker was meant.
        """
        if self._gone is None or self._gone.is_set():
            self.once_more()
        else:
            asyncio.get_running_loop().call_later(MEANT_SECONDS, self.to_stop.set)
