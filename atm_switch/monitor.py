"""What a running switch tells those who watch it: gauges, health, readiness, its links.

Healthy is a loop that turns; ready is a switch that would answer an inquiry with 00: it
listens, does not stop, its journal writes, its ledger and its HSM are there.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atm_switch.calling import UP
from atm_switch.domain.errors import Refused
from atm_switch.seat import Seat
from atm_switch.server.admin_socket import DRAIN_SECONDS, AdminSocket
from atm_switch.server.admin_socket import FILE_NAME as ADMIN_SOCKET
from atm_switch.server.desk import Desk
from atm_switch.server.meters import SIGNED_ON, Checks, Gauges
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.settings.shapes import split_address
from atm_switch.start_up import plain_words

if TYPE_CHECKING:
    from atm_switch.server.watch_page import WatchPage

HANGS_SECONDS = 8 * TICK_SECONDS
"""A loop that has not turned for so long hangs."""

REFUSED = "fails, so inquiries are answered 91 at once; the log says why, and it is asked again"
"""What is wrong with a ledger whose breaker is open."""

JOURNAL_BAD_SECONDS = 10.0
"""So long after its last refusal the journal is not believed to be well, unless it wrote."""

NO_ROOM = "there is no room"
"""What is wrong with a journal whose disk is full: no start anew would make any."""


UNWRITTEN = "rows could not be written"
"""What is wrong with one that failed, or proved that it would."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """Looks at a desk and its neighbours, from any thread."""

    desk: Desk
    journal_waiting: Callable[[], int]
    neighbours: Callable[[], dict[str, str]]
    """Ledger and HSM by name: empty, or what is wrong."""
    started_at: float
    """Monotonic seconds."""
    event_loop: str = "asyncio"
    """Whose the event loop is: uvloop or asyncio."""
    events: Callable[[], dict[str, Any]] = dict
    """What ``atm-switch events status`` shows."""
    lines: Callable[[], list[dict[str, str]]] = list
    """How each line is that the switch dials."""
    certificate_seconds: Callable[[], float] = lambda: inf
    """How long the first TLS file is still good."""
    journal_free_bytes: Callable[[], float] = lambda: inf
    """How much room there is for the journal; infinite where its disk is another machine's."""
    processes: Mapping[str, int] = field(default_factory=dict)
    """The processes beside this one, by name."""
    deaths: Mapping[str, int] = field(default_factory=dict)
    """How often each of those that there were ended unasked."""

    def status(self, addresses: Sequence[str]) -> dict[str, Any]:
        """Return what ``atm-switch status`` shows, ready for JSON."""
        gauges, meters = self.gauges(), self.desk.meters
        codes: Counter[str] = Counter()
        for kind, count in meters.requests.items():
            codes[kind.code or "none"] += count
        return {
            "listening": list(addresses),
            "dialling": self.lines(),
            "event_loop": self.event_loop,
            "up_seconds": round(self.desk.clock().monotonic - self.started_at, 1),
            "links": gauges["links"],
            "signed_on": {
                name.removeprefix(SIGNED_ON): int(value)
                for name, value in gauges.items()
                if name.startswith(SIGNED_ON) and value
            },
            "in_flight": gauges["in_flight"],
            "tasks": gauges["tasks"],
            "journal_waiting": gauges["journal_waiting"],
            "answers": dict(sorted(codes.items())),
            "loop_lag_seconds_max": round(meters.loop_lag_max, 3),
            "processes": dict(self.processes),
            "checks": {name: wrong or "ok" for name, wrong in self.readiness().items()},
        }

    def sessions(self) -> dict[str, Any]:
        """Return what ``atm-switch sessions`` shows: every link, the oldest first."""
        now = self.desk.clock().monotonic
        return {
            "sessions": [
                {
                    "link": line.link,
                    "peer": line.peer,
                    "is_ours": bool(session and session.signing_on),
                    "acquirer": str(session.signed_on_as or "") if session else "",
                    "profile": session.dialect.profile.name if session else "",
                    "tls": session.is_tls if session else False,
                    "certificate": sorted(session.peer_names) if session else [],
                    "in_flight": session.in_flight if session else 0,
                    "silent_seconds": round(now - session.heard_at, 1) if session else None,
                    "ignored_responses": session.ignored_responses if session else 0,
                }
                for line, session in self.desk.links()
            ]
        }

    def gauges(self) -> Gauges:
        """Return the values of the moment."""
        links = self.desk.links()
        signed_on = Counter(dict.fromkeys(self.desk.meters.acquirers, 0))
        signed_on.update(
            str(session.signed_on_as) for _, session in links if session and session.signed_on_as
        )
        events, lines = self.events(), self.lines()
        return {
            "links": len(links),
            "lines_wanted": len(lines),
            "lines_up": sum(one["state"] == UP for one in lines),
            "in_flight": self.desk.in_flight,
            "tasks": len(asyncio.all_tasks(self.desk.loop)) if self.desk.loop is not None else 0,
            "ready": not any(self.readiness().values()),
            "loop_lag_seconds": self.desk.meters.late_by(self.desk.clock().monotonic),
            "ledger_refused": self.desk.refuses_ledger,
            "draining": self.desk.is_draining,
            "journal_waiting": self.journal_waiting(),
            "outbox_waiting": events.get("waiting", 0),
            "broker_connected": events.get("connected", False),
            "certificate_seconds": self.certificate_seconds(),
            "journal_free_bytes": self.journal_free_bytes(),
            **{f"{SIGNED_ON}{acquirer}": count for acquirer, count in signed_on.items()},
        }

    def health(self) -> Checks:
        """Tell whether the loop turns."""
        since = self.desk.clock().monotonic - self.desk.meters.ticked_at
        hangs = f"has not turned for {since:.1f} s" if since > HANGS_SECONDS else ""
        return {"loop": hangs}

    def readiness(self) -> Checks:
        """Tell what hinders an inquiry from being answered."""
        return {
            **self.health(),
            "new work": "is refused, the switch is stopping" if self.desk.is_draining else "",
            "journal": _journal_wrong(self.desk),
            **self._neighbours_wrong(),
        }

    def _neighbours_wrong(self) -> dict[str, str]:
        wrong = self.neighbours()
        if self.desk.refuses_ledger and not wrong.get("ledger"):
            wrong["ledger"] = REFUSED
        return wrong


def commits(desk: Desk) -> bool:
    """Tell whether a start anew would not help: nothing is wrong, or what fails wants room."""
    return _journal_wrong(desk) in ("", NO_ROOM)


def _journal_wrong(desk: Desk) -> str:
    """Say what is wrong with the journal, lately or right now; empty where nothing is."""
    meters, now = desk.meters, desk.clock().monotonic
    silent = meters.journal_silent_for(now)
    if silent >= JOURNAL_BAD_SECONDS:
        return f"has not answered for {silent:.0f} s"
    if _is_lately(meters.journal_failed_at, now):
        return NO_ROOM if meters.journal_is_full else UNWRITTEN
    if _is_lately(meters.proof_failed_at, now):
        return UNWRITTEN
    return "cannot be searched" if _is_lately(meters.repeats_failed_at, now) else ""


def _is_lately(failed_at: float | None, now: float) -> bool:
    return failed_at is not None and now - failed_at < JOURNAL_BAD_SECONDS


def serve_page(monitor: Monitor, listen: str) -> "WatchPage":
    """Serve metrics and health on ``listen``.  Raises ``Refused`` where it is taken."""
    # Loaded where somebody asked for the page: a start waits for every module.
    from atm_switch.server.watch_page import SwitchCollector, WatchPage  # noqa: PLC0415

    host, port = split_address(listen)
    collector = SwitchCollector(monitor.desk.meters, monitor.gauges, monitor.deaths)
    try:
        return WatchPage(host, port, collector, monitor.health, monitor.readiness)
    except OSError as error:
        raise Refused(
            f"cannot serve metrics on {listen}: {plain_words(error)}; change [metrics] listen"
        ) from None


def exposition(monitor: Monitor) -> str:
    """Write a worker's metrics as Prometheus reads them; of processes its supervisor tells."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - as above

    from atm_switch.server.watch_page import SwitchCollector  # noqa: PLC0415

    registry = CollectorRegistry()
    registry.register(SwitchCollector(monitor.desk.meters, monitor.gauges))
    return generate_latest(registry).decode()


def admin_socket(seat: Seat) -> str:
    """Name the admin socket of a process in its folder; a worker's is its supervisor's to ask."""
    return ADMIN_SOCKET.replace(".sock", f"{seat.suffix}.sock")


async def answer_admin(
    path: Path, monitor: Monitor, addresses: Sequence[str], drain: Callable[[str], dict[str, Any]]
) -> AdminSocket:
    """Answer the local commands.  Raises ``OSError`` where the socket cannot be made."""
    if path.name != ADMIN_SOCKET:  # a worker's, which its supervisor asks for the metrics
        exposition(monitor)  # loads what that needs before anybody waits for an answer
    admin = AdminSocket(
        path,
        {
            "status": lambda _asker: monitor.status(addresses),
            "sessions": lambda _asker: monitor.sessions(),
            "events": lambda _asker: monitor.events(),
            "metrics": lambda _asker: {"text": exposition(monitor)},
            "drain": lambda asker: {
                **drain(asker),
                DRAIN_SECONDS: monitor.desk.limits.drain_seconds_max,
            },
        },
    )
    await admin.open()
    return admin
