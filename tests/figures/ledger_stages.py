"""The stages of ``ledger_bench``: each does one thing to a ledger and says what it measured."""

import asyncio
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import click

from atm_switch.domain.accrual import Accrual
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.csv_import import import_files
from atm_switch.ledger.nation_files import NationWishes, write_nation
from atm_switch.ledger.opening import LedgerPlace, open_reading, open_store
from atm_switch.ledger.rates_file import read_rates
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault
from tests.figures.ledger_importing import Beside, Met, importing
from tests.figures.ledger_inquiries import inquiries_beside, name
from tests.figures.ledger_lookups import (
    Ledger,
    Times,
    at_a_rate,
    compare,
    members_of,
    same_every_time,
)
from tests.figures.ledger_nation import OTHERS, SEED, UNTIL, Nation

AS_OF = date(2026, 6, 30)
AT = datetime(2026, 6, 30, 5, tzinfo=UTC)
SMALL = 1_000
ROUNDS = 61
LOOKUPS_PER_SECOND, LOOKUP_SECONDS, LOOKUP_ROUNDS = 200.0, 4.0, 5


Figures = dict[str, Any]
Stage = Callable[[], Figures]


class Bench:
    """The folder, the sizes and what was measured so far."""

    def __init__(self, folder: Path, members: int, big: int) -> None:
        """Read what an earlier run left."""
        self.folder, self.members, self.big = folder, members, big
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"figures-{members}-{big}.json"
        self.figures: dict[str, Figures] = (
            json.loads(self.file.read_text()) if self.file.exists() else {}
        )
        self._vault = Vault.fresh(same_every_time())

    def stage(self, name: str, work: Stage) -> Figures:
        """Do a stage that has no figures yet, and print them."""
        if name not in self.figures:
            began = time.monotonic()
            self.figures[name] = {**work(), "stage_seconds": round(time.monotonic() - began, 1)}
            self.file.write_text(json.dumps(self.figures, indent=2) + "\n")
        told = "  ".join(f"{key} {_shown(value)}" for key, value in self.figures[name].items())
        click.echo(f"{name:28} {told}")
        return self.figures[name]

    def path(self, name: str) -> Path:
        """Return a file's place in the folder."""
        return self.folder / name

    # ------------------------------------------------------------------ stages

    def nation(self, nation: Nation) -> Figures:
        """Write the files of a nation."""
        folder = self.path(f"nation-{nation.stem}")
        shutil.rmtree(folder, ignore_errors=True)
        wishes = NationWishes(nation.members, nation.span, nation.seed)
        began = time.monotonic()
        rows = write_nation(folder, wishes, read_rates(), lambda *_: None)
        return {"rows": rows, "rows_per_second": rows / (time.monotonic() - began)}

    def taken(self, nation: Nation, url: str = "") -> Figures:
        """Import the files of a nation."""
        path = self.place(nation).path
        if not url:
            for one in path.parent.glob(f"{path.name}*"):
                one.unlink()
        began = time.monotonic()
        with closing(open_store(url, path)) as store:
            summary = import_files(store, self.files(nation), self._vault, AT)
            took = time.monotonic() - began
            postings = store.rows("SELECT count(*) FROM postings")[0][0]
            size = _server_size(store) if url else 0
        size = size or path.stat().st_size  # closed, its log is in the file
        rows = sum(one.rows for one in summary.files)
        return {
            "rows": rows,
            "rows_per_second": rows / took,
            "bytes_per_member": size / nation.members,
            "bytes_per_posting": size / max(postings, 1),
            "rejected": summary.rejected,
        }

    def files(self, nation: Nation) -> list[Path]:
        """Return the files of a nation."""
        folder = self.path(f"nation-{nation.stem}")
        return [folder / "participants.csv", folder / "postings.csv"]

    def raw_sqlite(self) -> Figures:
        """Import the same files by sqlite3's own ``.import``, into tables without a key."""
        if shutil.which("sqlite3") is None:
            return {"skipped": "the program sqlite3 is not installed"}
        path = self.path("raw.db")
        path.unlink(missing_ok=True)
        rows = self.figures[f"nation {self.members:,}"]["rows"]
        commands = [f".import --csv {one} {one.stem}" for one in self.files(Nation(self.members))]
        began = time.monotonic()
        subprocess.run(["sqlite3", str(path), *commands], check=True, stdin=subprocess.DEVNULL)
        took = time.monotonic() - began
        path.unlink()
        return {"rows": rows, "rows_per_second": rows / took}

    def raw_postgres(self, url: str) -> Figures:
        """Import the same files by ``COPY``, into tables of text without a key."""
        rows = self.figures[f"nation {self.members:,}"]["rows"]
        began = time.monotonic()
        asyncio.run(_copy(url, self.files(Nation(self.members))))
        return {"rows": rows, "rows_per_second": rows / (time.monotonic() - began)}

    def place(self, nation: Nation, url: str = "") -> LedgerPlace:
        """Return where a ledger is."""
        path = self.path(f"ledger-{nation.stem}.db")
        return LedgerPlace(path, url, connections=2, seconds_max=10.0)

    def ledger(self, nation: Nation, url: str = "") -> Ledger:
        """Return what look-ups need of a ledger."""
        return Ledger(
            str(nation), self.place(nation, url), nation.members, nation.seed, nation.as_of
        )

    def lookups(self, ledgers: list[Ledger]) -> Figures:
        """Look statements up in all ledgers in turns, once what was imported is written."""
        os.sync()
        found = asyncio.run(compare(ledgers, ROUNDS))
        return {name: _times(times) for name, times in found.items()}

    def closed(self, nation: Nation, url: str = "") -> Figures:
        """Close the last year of every account."""
        terms = ClosingTerms(read_rates().of(UNTIL.year), Accrual.MONTHLY, AS_OF, AT)
        began = time.monotonic()
        with closing(open_store(url, self.place(nation).path)) as store:
            done = close_year(store, terms, lambda *_: None)
        took = time.monotonic() - began
        return {"accounts": done.accounts, "accounts_per_second": done.looked_at / took}

    def proven(self, nation: Nation, url: str = "") -> Figures:
        """Reconcile everything."""
        began = time.monotonic()
        with closing(open_store(url, self.place(nation).path)) as store:
            found = reconcile(store)
        took = time.monotonic() - began
        return {
            "accounts": found.accounts,
            "postings": found.postings,
            "differences": found.count,
            "postings_per_second": found.postings / took,
        }

    @property
    def others(self) -> Nation:
        """A tenth as many members, none of whom is in the ledger they are imported into."""
        return Nation(max(self.members // 10, SMALL), seed=OTHERS)

    def while_importing(self, url: str = "") -> Figures:
        """Look up in a ledger of 1,000 while files a tenth of the nation are imported into it."""
        place = self.place(Nation(SMALL), url)
        more = self.path(f"nation-{self.others.stem}")
        calm: list[float] = []
        busy: dict[Beside, list[float]] = {wanted: [] for wanted in Beside}
        for _ in range(LOOKUP_ROUNDS):  # in turns, for all to meet the same noise
            calm.append(asyncio.run(_paced(place)))
            for wanted, taken in busy.items():
                with importing(place, more, wanted):
                    taken.append(asyncio.run(_paced(place)))
        return {
            "calm_p99_us": median(calm),
            **{f"{name(wanted)}_p99_us": median(taken) for wanted, taken in busy.items()},
            **{f"times_{name(wanted)}": median(busy[wanted]) / median(calm) for wanted in busy},
        }

    def inquiries_while_importing(self, url: str = "") -> Figures:
        """Ask a switch while files a tenth of the nation are imported into its ledger."""
        more = self.path(f"nation-{self.others.stem}")

        def beside(folder: Path, wanted: Beside) -> AbstractContextManager[Met]:
            return importing(LedgerPlace(folder / "ledger.db", url), more, wanted)

        with tempfile.TemporaryDirectory(dir=self.folder) as root:
            return inquiries_beside(Path(root), url, beside)


async def _paced(place: LedgerPlace) -> float:
    reading = await open_reading(place, lambda _event, _fields: None)
    ledger = Ledger("", place, SMALL, SEED, AS_OF)
    kpjs = members_of(ledger, random.Random(2))  # noqa: S311 - which members, not keys
    taken = await at_a_rate(reading, kpjs, ledger.as_of, LOOKUPS_PER_SECOND, LOOKUP_SECONDS)
    await reading.close()
    return taken[int(len(taken) * 0.99) - 1] * 1e6


async def _copy(url: str, files: list[Path]) -> None:
    import asyncpg  # noqa: PLC0415 - an extra of the project

    connection = await asyncpg.connect(url)
    for one in files:
        with one.open(encoding="ascii") as file:
            columns = file.readline().strip().split(",")
        made = ", ".join(f"{name} text" for name in columns)
        await connection.execute(f"CREATE TABLE raw_{one.stem} ({made})")
        await connection.copy_to_table(
            f"raw_{one.stem}", source=str(one), format="csv", header=True, columns=columns
        )
        await connection.execute(f"DROP TABLE raw_{one.stem}")
    await connection.close()


def _server_size(store: Store) -> int:
    return int(store.rows("SELECT pg_database_size(current_database())")[0][0])


def _times(times: Times) -> Figures:
    return {"p50_us": times.p50, "p99_us": times.p99, "cpu_us": times.cpu}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + " ".join(f"{key} {_shown(one)}" for key, one in value.items()) + ")"
    return (
        f"{value:,.1f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def synced_microseconds(folder: Path) -> float:
    """Measure what one fdatasync of 4 KiB takes here, the median of 200."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e6)
    return median(taken)
