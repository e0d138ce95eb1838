"""What systemd is told: ready, reloading, stopping, alive; nothing where nobody listens.

Plan: sd_notify(3) is a datagram to the socket that ``NOTIFY_SOCKET`` names.  The watchdog is
fed ``FEEDINGS`` times in its time, and only while the switch is well; otherwise systemd
restarts it.  So often that one bad moment does not starve it.  A stop asks for the time that the
settings give it (EXTEND_TIMEOUT_USEC, systemd 236): how long a drain may take no unit knows.  So
does a start that brings large files up to date, for as long as that lasts.
One socket serves for all of it, so that a switch without a descriptor left is not taken for dead.
A manager that is busy has its socket full: what it must know is said again until it is taken, for a
READY that was lost would have it kill a switch that serves.
Limits: what nobody is there to take is lost, as with any other service; so is what waits
where the process ends meanwhile.
"""

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

FEEDINGS = 4
FEEDING = "WATCHDOG=1"
AGAIN_SECONDS = 0.1
UNTOLD_MAX = 8
"""States that wait for a busy manager, the latest."""
STOP_SECONDS_MAX = 30
"""Behind a drain: what waits is written and told, and processes that hang are killed by then.
``TimeoutStopSec`` of the unit (``specs/operations``) is the same."""


class ServiceManager:
    """The way to systemd."""

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        """Speak to the socket at ``address``: a path, or ``@`` and an abstract name."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_seconds = watchdog_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._wire: socket.socket | None = None
        self._untold: deque[str] = deque(maxlen=UNTOLD_MAX)
        """What a busy manager has not taken yet."""
        self._again: asyncio.TimerHandle | None = None
        self._is_over = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "ServiceManager":
        """Find the socket, and the watchdog if it is meant for this process."""
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        text = environment.get("WATCHDOG_USEC", "")
        seconds = int(text) / 1_000_000 if is_ours and text.isdecimal() and int(text) else None
        return cls(environment.get("NOTIFY_SOCKET", ""), seconds)

    @classmethod
    def here(cls) -> "ServiceManager":
        """Find what started this process."""
        return cls.of(os.environ)

    def starting(self, seconds: float) -> None:
        """Say that the start goes on, and is not over before so long from now."""
        self._tell(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}")

    def ready(self) -> None:
        """Say that connections are taken, or that a reload is over."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that settings are being read anew."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={microseconds}")

    def stopping(self, drain_seconds: float) -> None:
        """Say that the switch ends, which may take so long and what is behind a drain.

        It is not watched any more, and not killed before that; where the unit's own
        ``TimeoutStopSec`` is longer that one counts.
        """
        if self._timer is not None:
            self._timer.cancel()
        microseconds = round((drain_seconds + STOP_SECONDS_MAX) * 1_000_000)
        self._is_over = True
        self._tell(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={microseconds}")

    def close(self) -> None:
        """Let go of the socket; it is made anew for what is told all the same."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def watch(self, is_well: Callable[[], bool]) -> None:
        """Feed the watchdog from now on, whenever the switch is well; call in the loop."""
        if self._watchdog_seconds is None:
            return
        if is_well():
            self._tell(FEEDING)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._watchdog_seconds / FEEDINGS, self.watch, is_well)

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        if state == FEEDING and self._untold:
            return  # said late it would vouch for a moment that is gone
        self._untold.append(state)
        if self._again is None:
            self._tell_all()

    def _tell_all(self) -> None:
        """Say what has not been said, in its order, and what is not taken once more soon."""
        self._again = None
        while self._untold:
            try:
                self._send(self._untold[0])
            except BlockingIOError:
                if self._untold[0] == FEEDING:
                    self._untold.popleft()
                with suppress(RuntimeError):  # without a loop it is said with what is told next
                    loop = asyncio.get_running_loop()
                    self._again = loop.call_later(AGAIN_SECONDS, self._tell_all)
                return
            except OSError:
                pass
            self._untold.popleft()
        if self._is_over:
            self.close()

    def _send(self, state: str) -> None:
        """Raises ``OSError``, of which ``BlockingIOError`` says that the manager is busy."""
        if self._wire is None:
            self._wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._wire.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._wire.sendto(state.encode(), self._address)
