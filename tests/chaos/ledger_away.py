"""G11: the ledger hangs, is locked or the journal is; each request has its answer in time.

    python -m tests.chaos.ledger_away [--long] [--seed S]

Plan: a steady load while every process of a real PostgreSQL is stopped (SIGSTOP) and let
go again.  Then, on SQLite, another process keeps the ledger's write lock, which no inquiry
may notice, and then the journal's, which means 96 within the request's time, and at once
when it is known.  One link there asks so much that it has as much under way as it may have
long before a row is given up: what it asks beyond is 91 once it has waited unread for a while.
"""

import asyncio
import os
import re
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.honest import Honest, HungUp, Script, Tally, paced
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.doubles.postgres import FallenServer, server_to_fall
from tests.doubles.processes import family
from tests.doubles.served import run

RATES = (10.0, 10.0, 10.0, 10.0)
"""Of the links, requests a second."""
BUSY_RATES = (*RATES[1:], 100.0)
CALM_SECONDS = 2.0
FIRST_MS_MAX, OPEN_MS_MAX = 2_000.0, 50.0
"""For an answer at the beginning of an outage, and for most once it is known."""
SETTLED_SECONDS = 4.0
"""Into the outage it is known."""
BACK_SECONDS_MAX, BACK_PATIENCE = 1.0, 30.0
GRACE_MS = 600.0
"""What the tick that gives a request up, and a busy machine, may add."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What a load met: before it, in it, behind it."""

    tally: Tally
    began: float
    ended: float

    @property
    def inside(self) -> Tally:
        """What was asked in the outage, but for the last moment, whose answers come behind it."""
        return self.tally.between(self.began + 0.1, self.ended - 1.5)

    def settled(self, seconds: float = SETTLED_SECONDS) -> Tally:
        """What was asked when the outage was known, so many seconds into it."""
        return self.tally.between(self.began + seconds, self.ended - 1.5)

    @property
    def back_after(self) -> float:
        """Seconds from the end until the first 00 that was asked behind it."""
        good = [
            told.asked_at + told.seconds
            for told in self.tally.answers
            if told.code == "00" and told.asked_at >= self.ended
        ]
        return min(good, default=float("inf")) - self.ended

    @property
    def is_back(self) -> bool:
        """Whether a 00 came behind it at all."""
        return self.back_after < float("inf")

    def told(self, script: Script) -> str:
        """Say what must never be: links hung up, cards whose 00 showed several balances."""
        hung_up, differ = self.tally.hung_up, not self.balances(script)
        said = [f"{hung_up} links hung up"] if hung_up else []
        return ", ".join(["", *said, *(["balances differ"] if differ else [])])

    def balances(self, script: Script) -> bool:
        """Tell whether every 00 showed one and the same balance of its card."""
        seen: dict[str, set[str]] = {}
        for told in self.tally.answers:
            if told.code == "00":
                message = script.packager.unpack(told.payload)
                seen.setdefault(message[2], set()).add(message[54])
        return all(len(amounts) == 1 for amounts in seen.values())


async def through(
    plant: Plant, seconds: float, begin: Callable[[], None], end: Callable[[], None],
    rates: Sequence[float] = RATES,
) -> tuple[Outage, Script]:  # fmt: skip
    """Load the switch before, during and behind an outage of so many seconds."""
    script, tally = Script(plant.folder), Tally()
    links = [await Honest.open(script, plant.port) for _ in rates]
    whole = CALM_SECONDS + seconds + 2.5
    loads = [
        asyncio.ensure_future(paced(link, tally, rate, whole))
        for link, rate in zip(links, rates, strict=True)
    ]
    await asyncio.sleep(CALM_SECONDS)
    began = time.monotonic()
    begin()
    await asyncio.sleep(seconds)
    end()
    ended = time.monotonic()
    await _all(loads)
    await until_back(links[0], tally, ended)
    for link in links:
        link.close()
    return Outage(tally, began, ended), script


async def until_back(link: Honest, tally: Tally, ended: float) -> None:
    """Ask on where no 00 came behind the outage yet: a busy machine may take its time for one."""
    deadline = time.monotonic() + BACK_PATIENCE
    try:
        while not any(one.code == "00" and one.asked_at >= ended for one in tally.answers):
            if time.monotonic() > deadline:
                return
            tally.take(await link.ask())
            await asyncio.sleep(0.1)
    except (HungUp, TimeoutError):
        tally.hung_up += 1


async def _all(loads: Sequence[Awaitable[None]]) -> None:
    await asyncio.gather(*loads)


def stop_all(server: FallenServer, number: signal.Signals) -> None:
    """Signal every process of a server."""
    for pid in family(server.pid):
        os.kill(pid, number)


def on_postgres(root: Path, server: FallenServer) -> Plant:
    """Make a folder whose ledger is a database."""
    plant = set_up(root, "--pin", "acquirer")
    settings = plant.folder / "switch.toml"
    settings.write_text(
        re.sub(r"(?m)^\[ledger\]$", "", settings.read_text())
        + f'\n[ledger]\nurl = "{server.url}"\n'
    )
    sample = plant.folder / "sample"
    for command in (
        ("ledger", "import", plant.folder, sample / "participants.csv", sample / "postings.csv"),
        ("cards", "link", plant.folder, sample / "cards.csv"),
    ):
        done = run(*command)
        if done.returncode:
            raise RuntimeError(done.stderr)
    return plant


def postgres_part(trial: Trial, root: Path, seconds: float) -> tuple[bool, str]:
    """Stop PostgreSQL under load."""
    with server_to_fall() as server:
        plant = on_postgres(root, server)
        with running(plant):
            outage, script = asyncio.run(
                through(
                    plant,
                    seconds,
                    lambda: stop_all(server, signal.SIGSTOP),
                    lambda: stop_all(server, signal.SIGCONT),
                )
            )
            plant.stop()
    inside, settled = outage.inside, outage.settled()
    is_soon = (
        inside.percentile(1.0) < FIRST_MS_MAX + GRACE_MS
        and (not settled.answers or settled.percentile(0.5) < OPEN_MS_MAX)
        and outage.back_after < BACK_SECONDS_MAX
    )  # fmt: skip
    is_held = (
        inside.codes.keys() == {"91"} and outage.tally.hung_up == 0
        and outage.balances(script) and outage.is_back and trial.in_time(was=is_soon)
    )  # fmt: skip
    said = (
        f"PostgreSQL stopped {seconds:.0f} s: {dict(inside.codes)}, slowest "
        f"{inside.percentile(1.0):,.0f} ms, "
        f"{f'settled p50 {settled.percentile(0.5):,.0f} ms, ' if settled.answers else ''}"
        f"back in {outage.back_after:.2f} s{outage.told(script)}"
    )
    return is_held, said


def sqlite_part(trial: Trial, root: Path, seconds: float) -> tuple[bool, str]:
    """Keep the ledger's write lock all the time, and the journal's in the middle of it."""
    plant = set_up(root, "--pin", "acquirer")
    with running(plant), ExitStack() as held:
        ledger, journal = (
            held.enter_context(
                closing(sqlite3.connect(plant.folder / name, timeout=90.0, isolation_level=None))
            )
            for name in ("ledger.db", "journal.db")
        )
        ledger.execute("BEGIN IMMEDIATE")
        outage, script = asyncio.run(
            through(
                plant,
                seconds,
                executing(journal, "BEGIN IMMEDIATE"),
                executing(journal, "ROLLBACK"),
                BUSY_RATES,
            )
        )
        plant.stop()
    calm, inside = outage.tally.between(0.0, outage.began - 0.5), outage.inside
    budget = script.profile.inquiry.request_seconds_max
    known = outage.settled(budget + 1.0)  # of a short outage nothing is: it is over before
    is_soon = (
        inside.percentile(1.0) < budget * 1000 + GRACE_MS
        and (not known.answers or known.percentile(0.5) < OPEN_MS_MAX)
        and outage.back_after < BACK_SECONDS_MAX + GRACE_MS / 1000
    )  # fmt: skip
    is_held = (
        calm.codes.keys() == {"00"} and inside.codes.keys() <= {"00", "91", "96"}
        and outage.tally.hung_up == 0 and outage.balances(script) and outage.is_back
        and trial.in_time(was=is_soon)
    )  # fmt: skip
    said = (
        f"ledger locked: {dict(calm.codes)}; journal locked {seconds:.0f} s: {dict(inside.codes)}, "
        f"slowest {inside.percentile(1.0):,.0f} ms, "
        f"{f'settled p50 {known.percentile(0.5):,.0f} ms, ' if known.answers else ''}"
        f"back in {outage.back_after:.2f} s{outage.told(script)}"
    )
    return is_held, said


def executing(connection: sqlite3.Connection, statement: str) -> Callable[[], None]:
    """Return what executes a statement."""

    def execute() -> None:
        connection.execute(statement)

    return execute


def measure(trial: Trial) -> Found:
    """Both kinds of ledger."""
    seconds = float(trial.size(7, 60, 4))
    (trial.root / "sqlite").mkdir()
    parts = [sqlite_part(trial, trial.root / "sqlite", seconds)]
    (trial.root / "postgres").mkdir()
    is_whole = True
    try:
        parts.append(postgres_part(trial, trial.root / "postgres", seconds))
    except pytest.skip.Exception as none:
        is_whole = False
        parts.append((True, f"PostgreSQL skipped: {none}"))
    said = "; ".join(said for _, said in parts)
    return Found(said, is_held=all(held for held, _ in parts), is_whole=is_whole)


GOAL = Goal(
    "G11", "ledger hung, journal locked", "91 or 96 in time, 50 ms once known, 1 s to return",
    measure,
)  # fmt: skip

if __name__ == "__main__":
    prove(GOAL)
