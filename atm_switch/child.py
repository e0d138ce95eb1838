"""One process of a supervisor's, and what it is known to have.

Plan: a worker says now and then how many links each host has to it, and how many of the
connections handed to it are among them or were turned away; those it has not spoken of are
counted beside, so that what is under way is neither forgotten nor counted twice.
"""

import asyncio
import signal
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from atm_switch.server.control import Control

WRITER: Final = 0
"""The number of the writer's process; workers count from 1."""


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
    has_reloaded: bool = False

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


def name_of(number: int) -> str:
    """Name a process by its number, for log, status and metrics."""
    return f"worker {number}" if number else "journal writer"
