"""Two workers against one, requests a second, with the journal in a file and on PostgreSQL.

Plan: the durable path of ``full_path`` under ``acquirer`` at ten thousand members, the ledger
in its file, 8 links with 64 requests in flight together.  The kinds take turns; every run has
a fresh journal and processes of its own.  The load is one more process, whose CPU is counted
apart; that of all the switch's processes - supervisor, workers, writer, and PostgreSQL's - is
told beside it.
One worker, too, has a process that writes its file, as it has by default.
Limits: where there are fewer than four cores the load takes what the second worker would
have, so the ratio is shown there and not judged.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.figure import Bench, Goal, Got
from tests.bench.generator import Outcome, Wishes, cpu_seconds_of_all, run
from tests.bench.hosts import OURS, running
from tests.bench.places import cards_of, full_folder, settle
from tests.doubles.postgres import PostgresServer, postgres_server

MEMBERS: Final = 10_000
SECONDS: Final = 4.0
CORES: Final = os.cpu_count() or 1
IS_JUDGED: Final = CORES >= 4
FILE, DATABASE = "file", "PostgreSQL"

FILE_PACE: Final = "two workers against one, journal in a file, requests/s"
DATABASE_PACE: Final = "two workers against one, journal on PostgreSQL, requests/s"
FILE_CPU: Final = "CPU of all the switch's processes a request, one worker against two, file"
DATABASE_CPU: Final = "the same, journal on PostgreSQL, its own processes not counted"
GOALS = (
    Goal(FILE_PACE, least=1.0 if IS_JUDGED else None, aim=1.8 if IS_JUDGED else None),
    Goal(DATABASE_PACE, least=1.4 if IS_JUDGED else None, aim=1.8 if IS_JUDGED else None),
    Goal(FILE_CPU),
    Goal(DATABASE_CPU),
)
KINDS: Final = [(store, workers) for store in (FILE, DATABASE) for workers in (1, 2)]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run brought; CPU in microseconds an answer."""

    outcome: Outcome
    switch_cpu_us: float


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    bank = full_folder(MEMBERS, bench.say)
    taken: dict[tuple[str, int], list[Run]] = {kind: [] for kind in KINDS}
    with postgres_server() as server:
        for number in range(1, bench.rounds + 1):
            for store, workers in KINDS:
                one = once(store, workers, bank, bench.folder, server)
                taken[store, workers].append(one)
                bench.say(
                    f"round {number}, {store}, {workers} worker(s): "
                    f"{one.outcome.per_second:,.0f}/s, p99 {one.outcome.p99:.1f} ms, switch "
                    f"{one.switch_cpu_us:.0f} us, {one.outcome.load}"
                )
    note = "" if IS_JUDGED else f"{CORES} cores hold switch and load: shown, not judged"
    for store, pace, cpu in ((FILE, FILE_PACE, FILE_CPU), (DATABASE, DATABASE_PACE, DATABASE_CPU)):
        single, double = taken[store, 1], taken[store, 2]
        parts = {
            "one worker": _median([one.outcome.per_second for one in single]),
            "two workers": _median([one.outcome.per_second for one in double]),
        }
        ratios = [
            two.outcome.per_second / one.outcome.per_second
            for one, two in zip(single, double, strict=True)
        ]
        yield Got(pace, ratios, note=note, parts=parts, parts_unit="/s")
        spent = {
            "one worker": _median([one.switch_cpu_us for one in single]),
            "two workers": _median([one.switch_cpu_us for one in double]),
            "load, beside two": _median([one.outcome.cpu_us for one in double]),
        }
        shares = [
            one.switch_cpu_us / two.switch_cpu_us for one, two in zip(single, double, strict=True)
        ]
        yield Got(cpu, shares, parts=spent)


def once(store: str, workers: int, bank: Path, folder: Path, server: PostgresServer) -> Run:
    """Load a switch of so many workers once."""
    journal = f'[journal]\nurl = "{server.empty()}"\n' if store == DATABASE else ""
    kit = settle(bank, pin="acquirer", mac="off", more=journal, workers=workers)
    wishes = Wishes(port=0, cards=str(cards_of(bank)), seconds=SECONDS, kit=str(kit), links=8)
    with running(OURS, "serve", bank, log=folder / "host.log") as host:
        before = cpu_seconds_of_all(host.process)
        outcome = run(wishes, host)
        spent = cpu_seconds_of_all(host.process) - before
    if not outcome.is_clean:
        raise ChildProcessError(f"{store}, {workers}: {outcome.codes} {outcome.faults}")
    # The warm-up is in the CPU, so it is in the count too.
    answered = outcome.answered * (SECONDS + wishes.warm_up) / SECONDS
    return Run(outcome, spent / max(answered, 1) * 1e6)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
