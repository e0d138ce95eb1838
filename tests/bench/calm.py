"""What stays small however much is on: the slowest answers, many links, start, pauses, memory.

Plan: everything on is MAC and PIN checked here, events to a real broker, metrics scraped each
second; the load is open, at half the knee, which is what the closed loop reaches.  The knee
leaves thousands of events that are still to be told, so it is asked twice: while they are
told, which is shown, and once all were, which is judged.  Links: the same open load of 10^4
terminals over 10 and over 10^4 of them, in turn, each first in every other round; a round over
many is judged by the median of all over few, for of two 99th percentiles that follow each other
the disk alone made 0.4 and 5 times the other.  Pauses: the switch runs with a watch on the
garbage collector (``watched``) under the closed loop.  Start: from the command to its line on
standard output, warm.  Memory: the resident set of the switch with 5,000 idle links signed on
less that before, each; by TLS with certificates on both sides.
Limits: loopback; the load generator and the broker share the two cores.
"""

import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from atm_switch.server.tls import TlsFiles
from tests.bench.figure import Bench, Goal, Got
from tests.bench.generator import Wishes, run
from tests.bench.hosts import OURS, Host, running
from tests.bench.places import MEMBERS, cards_of, full_folder, settle
from tests.doubles.brokers import EmbeddedBroker, free_port
from tests.doubles.certificates import LabCa

SLOWEST: Final = "everything on (MAC, PIN, events, metrics), open loop at half the knee: p99"
CATCHING_UP: Final = "the same while the events of the knee are still being told: p99"
LINKS: Final = "links 10 to 10^4 at the same rate, p99"
PAUSE: Final = "longest pause of the garbage collector under load, CPU"
START: Final = "start until it listens, warm"
MEMORY: Final = "memory of an idle link, signed on, plain TCP"
MEMORY_TLS: Final = "memory of an idle link, signed on, TLS"
GOALS = (
    Goal(SLOWEST, least=50, aim=10, unit="ms", less_is_better=True),
    Goal(CATCHING_UP, unit="ms", less_is_better=True),
    Goal(LINKS, least=1.5, aim=1.1, less_is_better=True),
    Goal(PAUSE, least=20, unit="ms", less_is_better=True),
    Goal(START, least=0.5, unit="s", less_is_better=True),
    Goal(MEMORY, least=10, aim=5, unit="KiB", less_is_better=True),
    Goal(MEMORY_TLS, least=50, aim=25, unit="KiB", less_is_better=True),
)
FEW, MANY, IDLE, IDLE_TLS = 10, 10_000, 5_000, 2_000
BANK = "switch.bank.example"
RATE = 200.0
"""Of the load over few and many links: a rate at which nothing queues."""
SECONDS, LINKS_SECONDS = 4.0, 8.0
TOLD_SECONDS_MAX = 60.0
ROOM = f"[limits]\nconnections_max = {2 * MANY}\nconnections_per_peer_max = {2 * MANY}\n"


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    bank = full_folder(MEMBERS, bench.say)
    yield from _slowest(bench, bank)
    yield _links(bench, bank)
    yield _pause(bench, bank)
    yield _start(bench, bank)
    yield _memory(bench, bank)
    yield _memory_by_tls(bench, bank)


def _slowest(bench: Bench, bank: Path) -> Iterator[Got]:
    broker_port, page = free_port(), free_port()
    broker = EmbeddedBroker(broker_port)
    on = f'[events]\nbroker = "mqtt://127.0.0.1:{broker_port}"\n'
    on += f'[metrics]\nlisten = "127.0.0.1:{page}"\n'
    told, telling, knees = [], [], []
    try:
        for number in range(1, bench.rounds + 1):
            kit = settle(bank, pin="issuer", mac="required", more=on)
            wishes = Wishes(port=0, cards=str(cards_of(bank)), seconds=SECONDS, kit=str(kit))
            log = bench.folder / "host.log"
            with running(OURS, "serve", bank, log=log) as host, _scraped(page):
                knee = run(wishes, host).per_second
                half = replace(wishes, rate=knee / 2)
                during = run(half, host)
                _wait_until_told(bank)
                after = run(half, host)
            if not (during.is_clean and after.is_clean):
                raise ChildProcessError(f"{during.codes} {during.faults} {after.codes}")
            told.append(after.p99)
            telling.append(during.p99)
            knees.append(knee)
            bench.say(
                f"round {number}: p99 {after.p99:.1f} ms at {knee / 2:,.0f}/s, "
                f"{during.p99:.1f} while the knee's events were told"
            )
    finally:
        broker.stop()
    rates = {"knee": median(knees), "half of it": median(knees) / 2}
    yield Got(SLOWEST, told, parts=rates, parts_unit="/s")
    yield Got(CATCHING_UP, telling)


def _wait_until_told(bank: Path) -> None:
    """Wait until the broker has acknowledged every event there is."""
    asked = "SELECT (SELECT max(seq) FROM outbox) - seq FROM outbox_mark"
    with closing(sqlite3.connect(bank / "journal.db")) as journal:
        limit = time.monotonic() + TOLD_SECONDS_MAX
        while journal.execute(asked).fetchone()[0]:
            if time.monotonic() > limit:
                raise TimeoutError("the events of the knee were not told")
            time.sleep(0.1)


@contextmanager
def _scraped(port: int) -> Iterator[None]:
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(1.0):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
                page.read()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _links(bench: Bench, bank: Path) -> Got:
    p99: dict[int, list[float]] = {FEW: [], MANY: []}
    kit = settle(bank, pin="acquirer", mac="off", more=ROOM)
    cards = str(cards_of(bank))
    wishes = Wishes(
        port=0, cards=cards, seconds=LINKS_SECONDS, kit=str(kit), rate=RATE, terminals=MANY
    )
    with running(OURS, "serve", bank, log=bench.folder / "host.log") as host:
        for number in range(1, bench.rounds + 1):
            for links in (FEW, MANY) if number % 2 else (MANY, FEW):
                came = run(replace(wishes, links=links), host)
                if not came.is_clean:
                    raise ChildProcessError(f"{links} links: {came.codes} {came.faults}")
                p99[links].append(came.p99)
            bench.say(f"round {number}: p99 {p99[FEW][-1]:.1f} ms and {p99[MANY][-1]:.1f} ms")
    few, many = median(p99[FEW]), median(p99[MANY])
    parts = {f"{FEW} links": few, f"{MANY:,} links": many}
    return Got(LINKS, [one / few for one in p99[MANY]], parts=parts, parts_unit="ms")


def _pause(bench: Bench, bank: Path) -> Got:
    longest = []
    for number in range(1, bench.rounds + 1):
        kit = settle(bank, pin="acquirer", mac="off")
        told = bench.folder / "pauses.json"
        wishes = Wishes(port=0, cards=str(cards_of(bank)), seconds=SECONDS, kit=str(kit))
        program = ("tests.bench.watched", bank, told)
        with running(*program, log=bench.folder / "host.log") as host:
            run(wishes, host)
        pauses = json.loads(told.read_text())
        longest.append(pauses["longest_cpu_ms"])
        bench.say(
            f"round {number}: {pauses['longest_cpu_ms']:.1f} ms of CPU, "
            f"{pauses['longest_ms']:.1f} of the clock, {pauses['count']} collections"
        )
    return Got(PAUSE, longest)


def _start(bench: Bench, bank: Path) -> Got:
    taken = []
    for number in range(bench.rounds + 1):
        settle(bank, pin="issuer", mac="required")
        for warm in (False, True):  # the first makes the journal
            began = time.monotonic()
            with running(OURS, "serve", bank, log=bench.folder / "host.log"):
                spent = time.monotonic() - began
            if number and warm:
                taken.append(spent)
    bench.say(f"start: {median(taken):.2f} s")
    return Got(START, taken)


def _memory(bench: Bench, bank: Path) -> Got:
    return Got(MEMORY, _of_each_link(bench, bank, IDLE))


def _memory_by_tls(bench: Bench, bank: Path) -> Got:
    ca, settings = LabCa(bench.folder), bank / "switch.toml"
    files, shown = ca.server(), ca.issue(BANK)
    plain = settings.read_text()
    secured = plain.replace("[[listeners]]\n", f"[[listeners]]\n{_tls_settings(files)}")
    secured = re.sub(
        r"(?m)^(name = .*\n)", rf'\1certificate_names = ["{BANK}"]\n', secured, count=1
    )
    settings.write_text(secured)
    try:
        own = (ca.file, shown.certificate, shown.key)
        return Got(MEMORY_TLS, _of_each_link(bench, bank, IDLE_TLS, *own))
    finally:
        settings.write_text(plain)


def _tls_settings(files: TlsFiles) -> str:
    return (
        f'tls_certificate = "{files.certificate}"\ntls_key = "{files.key}"\n'
        f'tls_client_ca = "{files.client_ca}"\n'
    )


def _of_each_link(bench: Bench, bank: Path, count: int, *certificates: Path) -> list[float]:
    """Return the KiB that each of so many idle links adds, round by round."""
    found = []
    for number in range(1, bench.rounds + 1):
        kit = settle(bank, pin="acquirer", mac="off", more=ROOM)
        with running(OURS, "serve", bank, log=bench.folder / "host.log") as host:
            before = _resident_kibibytes(host)
            with _idle(host, kit, count, *certificates):
                found.append((_resident_kibibytes(host) - before) / count)
        bench.say(f"round {number}: {found[-1]:.2f} KiB a link")
    return found


@contextmanager
def _idle(host: Host, kit: Path, count: int, *certificates: Path) -> Iterator[None]:
    """Hold links open and signed on, from a process of their own."""
    words = map(str, (host.port, kit, count, *certificates))
    program = [sys.executable, "-m", "tests.bench.idle_links", *words]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield
        process.stdin.close()


def _resident_kibibytes(host: Host) -> int:
    status = Path(f"/proc/{host.process}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])
