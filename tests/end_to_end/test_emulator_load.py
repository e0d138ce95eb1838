"""``terminal-emulator load`` against a real switch, and against hosts that misbehave."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from terminal_emulator.address import Address
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.load.callers import Card, callers_of
from terminal_emulator.load.knee import find_knee
from terminal_emulator.load.run import Load, Target
from terminal_emulator.load.schedule import constant
from terminal_emulator.load.tally import Tally, percentile
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.trivial_host import PROFILE, TrivialHost

CARDS = [Card("9990090000000012")]


def load(served: Served, folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command against a served folder."""
    kit = folder / "terminal-kit.json"
    return run(
        "load", "--connect", served.address, "--kit", kit, *words, module="terminal_emulator"
    )


@asynccontextmanager
async def hosted(
    protocol: Callable[[], TrivialHost], links: int = 1, seconds: float = 10.0
) -> AsyncIterator[Load]:
    """A load on a host in this process, its links open."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    callers = callers_of([BARE_KIT], CARDS, links, PROFILE, datetime.now(UTC))
    target = Target(address=address, profile=PROFILE, seconds=seconds)
    made = Load(target, callers, links, random.Random(1))  # noqa: S311 - STANs, not keys
    await made.open()
    try:
        yield made
    finally:
        await made.close()
        server.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the sample members."""
    return make_folder(tmp_path_factory.mktemp("load"))


def test_open_loop_asks_and_counts_every_answer(folder: Path, tmp_path: Path) -> None:
    """As many as were due are approved; every file is written; exit 0."""
    files = {name: tmp_path / name for name in ("run.json", "run.hgrm", "run.svg")}
    with serve(folder) as served:
        done = load(
            served, folder, "--rate", "40", "--for", "1", "--terminals", "6", "--links", "3",
            "--threshold", "errors<1%", "--threshold", "code:00>=100%", "--json-file",
            files["run.json"], "--hdr", files["run.hgrm"], "--svg", files["run.svg"],
        )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    told = json.loads(files["run.json"].read_text())
    assert (40, 40, {"00": 40}, {}) == tuple(
        told[name] for name in ("due", "answered", "codes", "faults")
    )
    assert "Total count" in files["run.hgrm"].read_text()
    assert files["run.svg"].read_text().startswith("<svg")
    assert not any("9990090000" in path.read_text() for path in files.values())


def test_closed_loop_and_storm_run_too(folder: Path) -> None:
    """Both end with 0 and say what they did."""
    with serve(folder) as served:
        closed = load(served, folder, "--closed", "4", "--for", "500ms", "--terminals", "4")
        storm = load(served, folder, "--terminals", "20", "--links", "20", "--storm", "2")

    assert (0, 0) == (closed.returncode, storm.returncode), closed.stderr + storm.stderr
    assert "closed loop, 4 in flight" in closed.stdout
    assert "storm 2: 20 links back and signed on, 0 not" in storm.stdout


def test_broken_threshold_sets_the_exit_code(folder: Path) -> None:
    """Exit 1, with the promise named."""
    with serve(folder) as served:
        done = load(served, folder, "--rate", "10", "--for", "500ms", "--threshold", "p50<1us")

    assert 1 == done.returncode
    assert "thresholds broken: p50<1us" in done.stderr


def test_load_under_a_mac_is_answered_under_it(tmp_path: Path) -> None:
    """Every request signed, every answer's MAC checked: none is wrong."""
    guarded = make_folder(tmp_path, "--mac", "required")
    with serve(guarded) as served:
        done = load(served, guarded, "--rate", "20", "--for", "1", "--json")

    assert 0 == done.returncode, done.stderr
    assert ({"00": 20}, {}) == tuple(json.loads(done.stdout)[name] for name in ("codes", "faults"))


def test_interrupt_ends_it_with_the_report(folder: Path) -> None:
    """Ctrl-C: what was measured is printed, exit 130."""
    with serve(folder) as served:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "terminal_emulator", "load", "--connect", served.address,
                "--kit", str(folder / "terminal-kit.json"), "--rate", "20", "--for", "60",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()  # the first line of progress: it is under way
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)

    assert 130 == process.returncode
    assert "open loop, 20/s for 60 s" in out
    assert "00 " in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--threshold", "p99"), "a threshold is written like"),
        (("--for", "soon"), "is a time like 10s"),
        (("--ramp", "5"), "is two rates like 10:500"),
        (("--cards", "nowhere.txt"), "pass --cards FILE or --pan"),
    ],
)
def test_wrong_words_are_explained(words: tuple[str, str], sentence: str) -> None:
    """Before anything is sent."""
    done = run("load", *words, module="terminal_emulator")

    assert done.returncode in (1, 2)
    assert sentence in done.stderr


def test_nobody_there_is_said_in_one_sentence() -> None:
    """A port nobody listens on: exit 1 and what to do."""
    done = run(
        "load", "--connect", "127.0.0.1:1", "--pan", CARDS[0].pan, module="terminal_emulator"
    )

    assert 1 == done.returncode
    assert "atm-switch serve DIR" in done.stderr


class _Stalling(TrivialHost):
    """Answers at once, but for one stretch of half a second in which it says nothing."""

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if not hasattr(self, "began"):
            self.began = loop.time()
        since = loop.time() - self.began
        if 0.3 < since < 0.8:
            loop.call_at(self.began + 0.8, super().data_received, data)
        else:
            super().data_received(data)


async def test_open_loop_shows_a_stall_that_closed_loop_hides() -> None:
    """Half a second of silence: in the open loop a third of all requests waited for it, in
    the closed loop one did.
    """
    async with hosted(_Stalling) as steady:
        opened = await steady.open_loop(constant(200, 1.5))
    async with hosted(_Stalling) as paced:
        closed = await paced.closed_loop(1, 1.5)

    slow = [sum(one > 0.1 for one in tally.latencies) for tally in (opened, closed)]
    assert 300 == opened.answered
    assert slow[0] >= 60
    assert slow[1] <= 2
    assert percentile(opened.ordered(), 99) > 0.3


class _Wrong(TrivialHost):
    """Answers the first request with another terminal, the second not at all, then rightly."""

    seen = 0

    def answer(self, payload: bytes) -> bytes:
        whole = super().answer(payload)
        if not payload.startswith(b"0200"):
            return whole
        type(self).seen += 1
        if self.seen == 1:
            return whole.replace(b"S1ABC123", b"S1ABC999")
        return whole[:40] if self.seen == 2 else whole


async def test_wrong_answers_are_counted_apart() -> None:
    """One with another terminal's name, one that cannot be read and so leaves its request
    unanswered; the others are approved.
    """
    async with hosted(_Wrong, seconds=0.5) as made:
        tally = await made.open_loop(constant(20, 0.5))

    assert {"wrong answer": 1, "answer that cannot be read": 1, "unanswered": 1} == tally.faults
    assert {"00": 8} == tally.codes


class _Leaving(TrivialHost):
    """Hangs up at the fifth inquiry."""

    def answer(self, payload: bytes) -> bytes:
        self.count = getattr(self, "count", 0) + payload.startswith(b"0200")
        if self.count == 5 and self._transport is not None:
            self._transport.abort()
        return super().answer(payload)


async def test_link_that_is_lost_is_counted() -> None:
    """What was under way on it and what was due after it did not reach the host."""
    async with hosted(_Leaving) as made:
        tally = await made.open_loop(constant(50, 0.4))

    assert 20 == tally.due
    assert 20 == tally.answered + tally.faults["link lost"]
    assert tally.faults["link lost"] >= 15


class _Slow(TrivialHost):
    """Takes four milliseconds for each inquiry, one after the other: 250 a second."""

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.free_at = max(getattr(self, "free_at", 0.0), loop.time())
        self.free_at += 0.004 * data.count(b"310000")
        loop.call_at(self.free_at, super().data_received, data)


async def test_knee_is_found_where_the_host_stops_keeping_up() -> None:
    """A host of 250 a second: kept below, lost above, and the gap is told."""
    told: list[str] = []
    async with hosted(_Slow, seconds=0.5) as made:
        _, notes = await find_knee(made, 80.0, 0.8, told.append, lambda: False)

    assert notes[0].startswith("the knee is between")
    kept = [float(line.split("/s")[0].replace(",", "")) for line in told if "kept" in line]
    lost = [float(line.split("/s")[0].replace(",", "")) for line in told if "lost" in line]
    assert 80 <= max(kept) <= 300
    assert min(lost) <= 600


def test_second_of_a_tally_is_made_once() -> None:
    """Rows by second hold what happened in them."""
    tally = Tally()

    tally.take_due(0.2)
    tally.take_sent(0.3)
    tally.take_answer("00", 0.2, 1.1)

    assert [(0, 1, 1, 0), (1, 0, 0, 1)] == [
        (number, one.due, one.sent, one.answered) for number, one in tally.seconds.items()
    ]
