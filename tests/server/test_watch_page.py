"""Metrics and health over HTTP, of a switch that serves a real socket."""

import asyncio
import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from socketserver import TCPServer
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from atm_switch.monitor import HANGS_SECONDS, Monitor
from atm_switch.server import watch_page
from atm_switch.server.meters import Meters
from atm_switch.server.page_request import HEAD_BYTES_MAX
from atm_switch.server.watch_page import AT_ONCE_MAX, PAUSE_SECONDS, SwitchCollector, WatchPage
from tests.doubles.open_house import OpenHouse, caller, open_house

WELL: dict[str, str] = {"ledger": ""}


@contextmanager
def watched(house: OpenHouse, neighbours: dict[str, str] | None = None) -> Iterator[WatchPage]:
    """Serve the page of a house."""
    found = WELL if neighbours is None else neighbours
    monitor = Monitor(house.desk, lambda: 3, lambda: found, 0.0)
    collector = SwitchCollector(house.desk.meters, monitor.gauges, {"journal writer": 2})
    page = WatchPage("127.0.0.1", 0, collector, monitor.health, monitor.readiness)
    try:
        yield page
    finally:
        page.close()


def fetch(page: WatchPage, path: str) -> tuple[int, str]:
    """Get one page; from a thread, as the loop serves the switch meanwhile."""
    host, _, port = page.address.rpartition(":")
    connection = HTTPConnection(host.strip("[]"), int(port), timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


async def samples(page: WatchPage) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Scrape, and read the exposition by prometheus_client's own parser."""
    status, body = await asyncio.to_thread(fetch, page, "/metrics")
    assert 200 == status
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


async def checked(page: WatchPage, path: str) -> tuple[int, Any]:
    """Get a page of checks."""
    status, body = await asyncio.to_thread(fetch, page, path)
    return status, json.loads(body)


async def test_inquiry_is_seen_in_the_exposition() -> None:
    """Count, time, session and link of one inquiry, parsed as Prometheus would."""
    async with open_house() as house, caller(house) as client:
        client.say(house.bench.inquiry())
        await client.hear()
        with watched(house) as page:
            found = await samples(page)

    labels = (("acquirer", "009"), ("code", "00"), ("outcome", "approved"), ("what", "transaction"))
    bank = (("acquirer", "009"),)
    assert 1.0 == found["atm_switch_requests_total", labels]
    assert 1.0 <= found["atm_switch_request_seconds_count", (*bank, ("what", "transaction"))]
    assert 1.0 == found["atm_switch_sessions", bank]
    assert 1.0 == found["atm_switch_links", ()]
    assert 3.0 == found["atm_switch_journal_waiting", ()]
    assert 1.0 == found["atm_switch_workers_wanted", ()] == found["atm_switch_workers_up", ()]
    writer = (("process", "journal writer"),)
    assert 2.0 == found["atm_switch_process_deaths_total", writer]
    assert 1.0 <= found["atm_switch_journal_seconds_count", ()]


async def test_tasks_of_the_loop_are_counted() -> None:
    """One that waits for something is one more, and one less when it has ended."""
    async with open_house() as house:
        with watched(house) as page:
            before, waiting = await samples(page), asyncio.create_task(asyncio.Event().wait())
            beside = await samples(page)
            waiting.cancel()
            await asyncio.wait({waiting})
            after = await samples(page)

    one, more, again = (found["atm_switch_tasks", ()] for found in (before, beside, after))
    assert (one + 1, one) == (more, again)


async def test_exposition_names_no_card_and_no_member() -> None:
    """After an inquiry and a decline the page holds no PAN, KPJ, name or RRN."""
    async with open_house() as house, caller(house) as client:
        request = house.bench.inquiry()
        client.say(request)
        answer = await client.hear()
        with watched(house) as page:
            _, body = await asyncio.to_thread(fetch, page, "/metrics")

    for secret in (request[2], request[37], answer[48][:40].strip(), "BUDI", request[52]):
        assert secret not in body


async def test_switch_that_turns_is_healthy_and_ready() -> None:
    """Both pages answer 200 and say what was looked at."""
    async with open_house() as house:
        house.stop_clock()
        house.desk.tick()
        with watched(house) as page:
            healthy, told = await checked(page, "/healthz")
            ready, all_checks = await checked(page, "/readyz")

    assert (200, {"ok": True, "checks": {"loop": "ok"}}) == (healthy, told)
    assert (200, True) == (ready, all_checks["ok"])
    assert {"loop", "new work", "journal", "ledger"} == set(all_checks["checks"])


async def test_switch_that_stops_takes_no_new_work() -> None:
    """It is no longer ready and says why, in words that are true while it runs as well: "ok"."""
    async with open_house() as house:
        house.desk.tick()
        house.desk.is_draining = True
        with watched(house) as page:
            ready, told = await checked(page, "/readyz")

    assert (503, "is refused, the switch is stopping") == (ready, told["checks"]["new work"])


async def test_loop_that_hangs_is_not_healthy() -> None:
    """Without a tick for long enough both pages answer 503 and say since when."""
    async with open_house() as house:
        house.desk.tick()
        house.skew = HANGS_SECONDS + 1
        with watched(house) as page:
            healthy, told = await checked(page, "/healthz")
            ready, _ = await checked(page, "/readyz")

    assert (503, 503) == (healthy, ready)
    assert "has not turned for" in told["checks"]["loop"]


async def test_bank_without_a_link_is_shown_with_none() -> None:
    """A configured bank is there with 0 before and after its links, and readiness is a gauge."""
    sessions = ("atm_switch_sessions", (("acquirer", "009"),))
    async with open_house() as house:
        house.stop_clock()
        house.pass_time(0)
        with watched(house) as page:
            before = await samples(page)
            async with caller(house):
                during = await samples(page)
        with watched(house, {"ledger": "away"}) as page:
            unready = await samples(page)

    assert (0.0, 1.0) == (before[sessions], during[sessions])
    assert (1.0, 0.0) == (before["atm_switch_ready", ()], unready["atm_switch_ready", ()])


async def test_switch_without_its_ledger_is_not_ready() -> None:
    """Healthy it is; the balancer sends its inquiries elsewhere."""
    async with open_house() as house:
        house.stop_clock()
        house.desk.tick()
        with watched(house, {"ledger": "the connection to the ledger was lost"}) as page:
            healthy, _ = await checked(page, "/healthz")
            ready, told = await checked(page, "/readyz")

    assert (200, 503) == (healthy, ready)
    assert "the connection to the ledger was lost" == told["checks"]["ledger"]


async def test_unknown_page_says_which_there_are() -> None:
    """404 with the three that exist."""
    async with open_house() as house:
        with watched(house) as page:
            status, body = await asyncio.to_thread(fetch, page, "/")

    assert 404 == status
    assert "/metrics, /healthz and /readyz" in body


async def test_scrapers_that_linger_take_only_a_few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is hung up on; those that say nothing in their time are ended, and gone."""
    monkeypatch.setattr(watch_page, "REQUEST_SECONDS_MAX", 0.5)
    async with open_house() as house:
        with watched(house) as page:
            host, _, port = page.address.rpartition(":")
            lingering = [await asyncio.open_connection(host, int(port)) for _ in range(AT_ONCE_MAX)]
            extra, writer = await asyncio.open_connection(host, int(port))
            refused = await extra.read()
            ended = [await reader.read() for reader, _ in lingering]
            status, _ = await asyncio.to_thread(fetch, page, "/metrics")
            for _, closing in [*lingering, (extra, writer)]:
                closing.close()

    assert b"" == refused
    assert [b""] * AT_ONCE_MAX == ended
    assert 200 == status


async def test_page_without_descriptors_waits_and_does_not_spin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Accepting fails a few times a second, not as often as it can; then the scraper is served."""
    tried: list[float] = []

    def without_descriptors(_server: TCPServer) -> None:
        tried.append(time.monotonic())
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async with open_house() as house:
        with watched(house) as page:
            with monkeypatch.context() as patch:
                patch.setattr(TCPServer, "get_request", without_descriptors)
                scrape = asyncio.create_task(asyncio.to_thread(fetch, page, "/healthz"))
                while not tried or time.monotonic() - tried[0] < 1.0:
                    await asyncio.sleep(0.02)
                times, seconds = len(tried), time.monotonic() - tried[0]
            status, _ = await scrape

    assert times <= 1 + 1.5 * seconds / PAUSE_SECONDS
    assert status in (200, 503)


def padded(start: bytes, end: bytes, size: int) -> bytes:
    """Return ``start`` and ``end`` with as much between them as makes ``size`` bytes."""
    return start + b"x" * (size - len(start) - len(end)) + end


LINE = b"GET /metrics HTTP/1.1\r\n"
HEADERS = LINE + padded(b"X: ", b"\r\n", 900) * 17 + b"X: "
"""A request whose last header is still to come."""


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (padded(HEADERS, b"\r\n\r\n", HEAD_BYTES_MAX), b"HTTP/1.0 200 "),
        (padded(HEADERS, b"\r\n", HEAD_BYTES_MAX + 1), b"HTTP/1.0 431 "),
        (padded(LINE + b"X: ", b"", HEAD_BYTES_MAX + 1), b"HTTP/1.0 431 "),
        (padded(b"GET /", b"", HEAD_BYTES_MAX + 1), b"HTTP/1.0 414 "),
    ],
    ids=["as long as may be", "too many headers", "a header too long", "the line too long"],
)
def test_head_of_a_request_is_bounded(head: bytes, answer: bytes) -> None:
    """A byte more than may be is answered before the head has ended: no more of it is kept."""
    page = WatchPage("127.0.0.1", 0, SwitchCollector(Meters([]), dict), dict, dict)
    port = int(page.address.rpartition(":")[2])
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as scraper:
            scraper.sendall(head)
            with scraper.makefile("rb") as heard:
                first = heard.readline()
    finally:
        page.close()

    assert answer == first[: len(answer)]


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_page_is_served_on_ipv6_too() -> None:
    """Its address is one a browser takes."""
    page = WatchPage("::1", 0, SwitchCollector(Meters([]), dict), dict, dict)
    try:
        status, _ = fetch(page, "/healthz")
        address = page.address
    finally:
        page.close()

    assert 200 == status
    assert address.startswith("[::1]:")
