"""``/metrics``, ``/healthz`` and ``/readyz`` over HTTP, in a thread beside the loop.

Plan: prometheus_client writes the exposition, the standard library's WSGI server serves it;
what is shown is read from the meters and from a function that the composition root gives.
The thread means that a loop that hangs can still be seen to hang.
Limits: no password and no TLS; it belongs on loopback.  Nothing on it names a card, a
member or a key.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIServer, make_server

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from atm_switch.server.meters import SIGNED_ON, Checks, Gauges, Histogram, Meters
from atm_switch.server.page_request import PageRequest

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

AT_ONCE_MAX = 8
"""Scrapes at once; more are hung up on."""
REQUEST_SECONDS_MAX = 5.0
"""How long a scraper may take to say what it wants."""
PAUSE_SECONDS = 0.2
"""After a connection that could not be accepted: its knock is still there to be heard at once."""

GAUGES = {
    "links": "connections, ready or not",
    "lines_wanted": "lines this switch dials",
    "lines_up": "of these, those connected and signed on",
    "in_flight": "requests under way",
    "tasks": "tasks of the event loop, which are as many at rest as there were before",
    "ready": "1 while an inquiry would be answered, as /readyz says",
    "loop_lag_seconds": "how late the last tick came, or by how much the next is overdue",
    "ledger_refused": "1 while the breaker to the ledger is open: 91 at once",
    "draining": "1 while the switch stops",
    "journal_waiting": "rows that wait for the journal's writer",
    "outbox_waiting": "events that wait for the MQTT broker",
    "broker_connected": "1 while the MQTT broker can be told",
    "certificate_seconds": "until the first of our TLS files ends; +Inf without any",
    "journal_free_bytes": "room on the journal's file system; +Inf where that is PostgreSQL's",
}


class SwitchCollector(Collector):
    """Hands the meters to prometheus_client."""

    def __init__(
        self,
        meters: Meters,
        gauges: Callable[[], Gauges],
        deaths: Mapping[str, int] | None = None,
    ) -> None:
        """Read ``meters``, and ``gauges`` at every scrape.

        ``deaths``: how often each process beside this one has died; ``None`` where this is one of
        several workers, and their supervisor tells of all processes.
        """
        self._meters = meters
        self._gauges = gauges
        self._deaths = deaths

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        meters = self._meters
        yield self._requests()
        yield _histogram(
            "atm_switch_request_seconds",
            "from a request's first byte until its answer is made, also while its link was full "
            "and not read; what waits at the sender has not come",
            dict(meters.request_seconds),
            ["what", "acquirer"],
        )
        yield _histogram(
            "atm_switch_journal_seconds",
            "from a row's question to the journal until its answer: the wait behind the batch "
            "under way, the commit (the disk), and the ways to the writer's process and back",
            {(): meters.journal_seconds},
            [],
        )
        yield _histogram(
            "atm_switch_journal_commit_seconds",
            "of each commit of the journal, a batch of rows: from its first statement until it is "
            "synced; one of the workers that share a writer counts it, and none one that failed",
            {(): meters.journal_commit_seconds},
            [],
        )
        yield _histogram(
            "atm_switch_loop_late_seconds",
            "how late each tick of the event loop came",
            {(): meters.loop_late_seconds},
            [],
        )
        yield _counter(
            "atm_switch_events",
            "other lines of the log; of events not kept each",
            meters.all_events(),
            "event",
        )
        yield _counter(
            "atm_switch_turned_away", "connections refused", meters.turned_away, "reason"
        )
        worst = GaugeMetricFamily("atm_switch_loop_lag_seconds_max", "the latest tick so far")
        worst.add_metric([], meters.loop_lag_max)
        yield worst
        yield from self._of_the_moment()
        if self._deaths is not None:
            yield from process_families(1, 1, dict(self._deaths))

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            "atm_switch_requests",
            "answered requests",
            labels=["what", "acquirer", "outcome", "code"],
        )
        for kind, count in self._meters.all_requests().items():
            family.add_metric(list(kind), count)
        return family

    def _of_the_moment(self) -> Iterator[Metric]:
        gauges = self._gauges()
        for name, meaning in GAUGES.items():
            family = GaugeMetricFamily(f"atm_switch_{name}", meaning)
            family.add_metric([], gauges.get(name, 0.0))
            yield family
        sessions = GaugeMetricFamily("atm_switch_sessions", "signed-on links", labels=["acquirer"])
        for name, value in gauges.items():
            if name.startswith(SIGNED_ON):
                sessions.add_metric([name.removeprefix(SIGNED_ON)], value)
        yield sessions


class WatchPage:
    """The HTTP server; ``address`` is where it listens."""

    def __init__(
        self,
        host: str,
        port: int,
        collector: Collector,
        health: Callable[[], Checks],
        readiness: Callable[[], Checks],
    ) -> None:
        """Listen and serve.  Raises ``OSError`` where the address is taken."""
        registry = CollectorRegistry()
        registry.register(collector)
        ProcessCollector(registry=registry)
        self._metrics = make_wsgi_app(registry)
        self._checks = {"/healthz": health, "/readyz": readiness}
        self._server = make_server(
            host, port, self._answer, server_class=_Server, handler_class=_Handler
        )
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{shown}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="watch page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(REQUEST_SECONDS_MAX)

    def _answer(self, environment: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environment.get("PATH_INFO", "")
        if path == "/metrics":
            body: Iterable[bytes] = self._metrics(environment, start)
            return body
        checks = self._checks.get(path)
        if checks is None:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"there are /metrics, /healthz and /readyz\n"]
        found = checks()
        is_good = not any(found.values())
        start(
            "200 OK" if is_good else "503 Service Unavailable",
            [("Content-Type", "application/json"), ("Cache-Control", "no-store")],
        )
        told = {name: wrong or "ok" for name, wrong in found.items()}
        return [json.dumps({"ok": is_good, "checks": told}).encode() + b"\n"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *arguments: Any) -> None:
        host = arguments[0][0]
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._free = threading.BoundedSemaphore(AT_ONCE_MAX)
        super().__init__(*arguments)

    def server_bind(self) -> None:
        """Bind without asking a name server what this host is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; where no descriptor is left the scraper waits, and this thread does not spin."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(PAUSE_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one of a few at once: scrapers that linger must not use up the descriptors."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread to be had
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve in a thread, within its time, and give the place back."""
        ending = threading.Timer(REQUEST_SECONDS_MAX, _cut_off, (request,))
        ending.daemon = True
        ending.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            ending.cancel()
            self._free.release()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Say nothing of a scraper that hung up: the log is for the switch."""


class _Handler(PageRequest):
    timeout = REQUEST_SECONDS_MAX


def _cut_off(request: socket.socket) -> None:
    """End a connection whose time is over, however slowly its octets still come."""
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


def process_families(wanted: int, ready: int, deaths: Mapping[str, int]) -> Iterator[Metric]:
    """Yield how many workers there are to be, how many are ready, how often each process died."""
    yield GaugeMetricFamily("atm_switch_workers_wanted", "workers there are to be", wanted)
    yield GaugeMetricFamily("atm_switch_workers_up", "of these, those that take connections", ready)
    died = CounterMetricFamily(
        "atm_switch_process_deaths", "processes that ended and were replaced", labels=["process"]
    )
    for name, count in deaths.items():
        died.add_metric([name], count)
    yield died


def _counter(name: str, meaning: str, counts: Mapping[str, int], label: str) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=[label])
    for value, count in dict(counts).items():
        family.add_metric([value], count)
    return family


def _histogram(
    name: str, meaning: str, histograms: Mapping[tuple[str, ...], Histogram], labels: list[str]
) -> Metric:
    family = HistogramMetricFamily(name, meaning, labels=labels)
    for values, one in histograms.items():
        family.add_metric(list(values), buckets=one.buckets(), sum_value=one.total)
    return family
