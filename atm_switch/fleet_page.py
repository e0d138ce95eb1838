"""What a supervisor tells of its workers: status, links, metrics and health, of all at once.

Plan: every worker answers on an admin socket of its own; the supervisor's asks them, all at
once, so that those that hang cost no more time than one, and adds up.  Metrics are each
worker's own, under the label ``worker``; what the journal's writer ended in doubt stands under
``WRITER``; how many processes there are, and have died, is its own.
A worker that cannot be started, for it is left out or waits for room, is told of in the status and
by how many there are; ready is who answers with the others.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from atm_switch.adapters.side_thread import begun
from atm_switch.child import Child, name_of
from atm_switch.domain.errors import NeighbourUnavailable, Refused
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.folder import DataFolder
from atm_switch.key_office import record
from atm_switch.monitor import admin_socket
from atm_switch.process_place import WRITER as WRITER_NUMBER
from atm_switch.seat import FIRST, Seat
from atm_switch.server.admin_socket import DRAIN_SECONDS, AdminSocket, Answers, ask_switch
from atm_switch.server.journal_bell import NOT_KEPT
from atm_switch.server.log import Logger
from atm_switch.server.meters import Checks, RequestKind
from atm_switch.server.watch_page import WatchPage, process_families
from atm_switch.settings.shapes import split_address
from atm_switch.start_up import plain_words
from atm_switch.switch.ports import AuditRecord

T = TypeVar("T")

ASK_SECONDS_MAX = 2.0
RECORD_SECONDS_MAX = 6.0
"""Behind the last process, for a record of the audit: a little more than a locked file is waited
for."""

WRITER = "writer"
"""The label of what the journal's writer has done."""

LAG = "atm_switch_loop_lag_seconds"

_ADDED = ("links", "in_flight", "tasks", "journal_waiting")


class FleetPage(Collector):
    """The admin socket and the watch page of a supervisor; made by ``open``."""

    def __init__(
        self, folder: DataFolder, children: Callable[[], Mapping[int, Child]],
        doubts: Callable[[], Mapping[str, int]], deaths: Callable[[], Mapping[int, int]],
        missing: Callable[[], Mapping[int, str]], stop: Callable[[], float], log: Logger,
    ) -> None:  # fmt: skip
        """Wait for ``open``."""
        self._folder, self._children, self._stop, self._log = folder, children, stop, log
        self._recording: list[Future[None]] = []
        self._missing = missing
        self._doubts, self._deaths = doubts, deaths
        self._loop = asyncio.get_running_loop()
        self._admin: AdminSocket | None = None
        self._page: WatchPage | None = None

    @classmethod
    async def open(
        cls, folder: DataFolder, children: Callable[[], Mapping[int, Child]],
        doubts: Callable[[], Mapping[str, int]], deaths: Callable[[], Mapping[int, int]],
        missing: Callable[[], Mapping[int, str]], stop: Callable[[], float], log: Logger,
    ) -> "FleetPage":  # fmt: skip
        """Answer.  Raises ``Refused``.

        ``children``: the processes there are, by number; ``doubts``: how many requests the
        journal's writer ended in doubt, by acquirer; ``deaths``: how often each has died;
        ``missing``: the workers that are not to be had, and why.
        """
        page = cls(folder, children, doubts, deaths, missing, stop, log)
        answers: Answers = {
            "status": page._status,
            "sessions": page._sessions,
            "events": page._events,
            "drain": page._drain,
        }
        admin = AdminSocket(folder.root / admin_socket(Seat()), answers)
        try:
            await admin.open()
            page._admin = admin
        except OSError as error:
            # A switch without it answers as well as one with it.
            log.warning("no admin socket", reason=plain_words(error))
        listen = folder.settings.metrics.listen
        if listen:
            page._page = page._serve(listen)
            log.info("metrics served", at=page._page.address)
        return page

    def close(self) -> None:
        """Answer no more, when all processes have ended."""
        if self._admin is not None:
            self._admin.close()
        if self._page is not None:
            self._page.close()
        self._await_records()

    def collect(self) -> Iterator[Metric]:
        """Yield every worker's families, each sample under its worker's number."""
        families: dict[str, Metric] = {}
        for number, text in self._of_all(self._exposition, self._workers()).items():
            for family in text_string_to_metric_families(text):
                held = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                held.samples += [
                    one._replace(labels={"worker": str(number), **one.labels})
                    for one in family.samples
                ]
        requests = families.setdefault("atm_switch_requests", _no_requests())
        for acquirer, count in dict(self._doubts()).items():
            kind = RequestKind("transaction", acquirer, IN_DOUBT, "")
            requests.add_sample(
                "atm_switch_requests_total", {"worker": WRITER, **kind._asdict()}, count
            )
        yield from families.values()
        wanted, died = self._folder.settings.workers, dict(self._deaths())
        names = {name_of(number): died.get(number, 0) for number in self._wanted()}
        there = self._children()
        ready = sum(number >= FIRST and there[number].is_ready.is_set() for number in there)
        yield from process_families(wanted, ready, names)

    def _wanted(self) -> list[int]:
        writer = [] if self._folder.settings.journal.url else [WRITER_NUMBER]
        return [*writer, *range(FIRST, self._folder.settings.workers + 1)]

    def _exposition(self, number: int) -> str:
        """Return a worker's metrics; of one whose loop hangs, that it does."""
        try:
            told = ask_switch(self._path_of(number), "metrics", ASK_SECONDS_MAX)
        except TimeoutError:
            return f"# TYPE {LAG} gauge\n{LAG} {ASK_SECONDS_MAX}\n"
        except (OSError, ValueError):  # it starts, or ends
            return ""
        return str(told.get("text", ""))

    def _serve(self, listen: str) -> WatchPage:
        host, port = split_address(listen)
        try:
            return WatchPage(host, port, self, self._health, self._readiness)
        except OSError as error:
            raise Refused(
                f"cannot serve metrics on {listen}: {plain_words(error)}; change [metrics] listen"
            ) from None

    def _workers(self) -> list[int]:
        return sorted(number for number in self._children() if number >= FIRST)

    @staticmethod
    def _of_all(ask: Callable[[int], T], numbers: Sequence[int]) -> dict[int, T]:
        """Ask workers, all at once."""
        if not numbers:
            return {}
        with ThreadPoolExecutor(len(numbers)) as threads:
            return dict(zip(numbers, threads.map(ask, numbers), strict=True))

    def _ask(self, number: int, question: str) -> dict[str, Any]:
        try:
            return ask_switch(self._path_of(number), question, ASK_SECONDS_MAX)
        except (OSError, ValueError):
            return {}

    def _path_of(self, number: int) -> Path:
        return self._folder.root / admin_socket(Seat(number))

    def _health(self) -> Checks:
        """Tell whose loop does not turn: ours, or that of a worker there is.

        A worker that has died is started again; what it would answer now is readiness.
        """
        told = self._of_all(self._hanging, self._workers())
        loops = {f"worker {at} loop": said for at, said in told.items() if said is not None}
        return {"loop": self._hangs(), **loops}

    def _hanging(self, number: int) -> str | None:
        """Tell what is wrong with a worker's loop; ``None`` where it starts, or ends."""
        try:
            told = ask_switch(self._path_of(number), "status", ASK_SECONDS_MAX)["checks"]
        except TimeoutError:
            return "does not answer"
        except (OSError, ValueError, KeyError):
            return None
        return "" if told["loop"] == "ok" else str(told["loop"])

    def _hangs(self) -> str:
        turned = threading.Event()
        with suppress(RuntimeError):  # the loop is closed: the switch has stopped
            self._loop.call_soon_threadsafe(turned.set)
        return "" if turned.wait(ASK_SECONDS_MAX) else f"has not turned for {ASK_SECONDS_MAX:g} s"

    def _readiness(self) -> Checks:
        told, out = self._statuses(), self._missing()
        there = {at: said for at, said in told.items() if at not in out}
        return self._checks(there or told)

    def _statuses(self) -> dict[int, dict[str, Any]]:
        """Ask every worker there should be; empty where one does not answer."""
        wanted = range(FIRST, self._folder.settings.workers + 1)
        return self._of_all(lambda number: self._ask(number, "status"), wanted)

    def _checks(self, told: Mapping[int, Mapping[str, Any]]) -> Checks:
        checks: dict[str, str] = {}
        out = self._missing()
        for number, status in told.items():
            away = out.get(number, "does not answer")
            checks[f"worker {number}"] = "" if "checks" in status else away
            for name, said in status.get("checks", {}).items():
                checks[f"worker {number} {name}"] = "" if said == "ok" else said
        return checks

    async def _status(self, _asker: str) -> dict[str, Any]:
        return await asyncio.to_thread(self._added_status)

    def _added_status(self) -> dict[str, Any]:
        told = self._statuses()
        there = [one for one in told.values() if "checks" in one]
        answers: Counter[str] = Counter()
        signed_on: Counter[str] = Counter()
        for one in there:
            answers.update(one["answers"])
            signed_on.update(one["signed_on"])
        return {
            "listening": there[0]["listening"] if there else [],
            "dialling": [line for one in there for line in one["dialling"]],
            "event_loop": there[0]["event_loop"] if there else "no event loop",
            "up_seconds": max((one["up_seconds"] for one in there), default=0.0),
            **{name: sum(one[name] for one in there) for name in _ADDED},
            "signed_on": dict(signed_on),
            "answers": dict(sorted(answers.items())),
            "loop_lag_seconds_max": max((one["loop_lag_seconds_max"] for one in there), default=0),
            "processes": {
                name_of(number): child.process.pid
                for number, child in sorted(self._children().items())
            },
            "checks": {name: said or "ok" for name, said in self._checks(told).items()},
        }

    async def _sessions(self, _asker: str) -> dict[str, Any]:
        return await asyncio.to_thread(self._all_sessions)

    def _all_sessions(self) -> dict[str, Any]:
        told = self._of_all(lambda number: self._ask(number, "sessions"), self._workers())
        found = [
            {**one, "worker": number}
            for number, its in told.items()
            for one in its.get("sessions", ())
        ]
        return {"sessions": found}

    async def _events(self, _asker: str) -> dict[str, Any]:
        return await asyncio.to_thread(self._ask, FIRST, "events")

    def _drain(self, asker: str) -> dict[str, Any]:
        """Stop; the audit is told beside that, for its journal may be what stands still."""
        told = AuditRecord("command", "switch", "drain", f"over the admin socket, by {asker}")
        seconds = self._stop()
        self._recording.append(begun(lambda: record(self._folder, told)))
        return {"draining": True, DRAIN_SECONDS: seconds}

    def _await_records(self) -> None:
        """Wait some seconds for what the audit was told; say what it did not take."""
        wait(self._recording, RECORD_SECONDS_MAX)
        for recording in self._recording:
            try:
                recording.result(0)
            except Exception as error:  # noqa: BLE001  whatever it is, the switch has stopped
                is_ours = isinstance(error, NeighbourUnavailable | Refused)
                reason = str(error) if is_ours else type(error).__name__
                self._log.warning(NOT_KEPT, kind="command", reason=reason)


def _no_requests() -> Metric:
    return Metric("atm_switch_requests", "answered requests", "counter")
