"""What a row costs in each pass of an import, on either database: for ``csv_passes.py``.

    python -m tests.figures.import_passes [MEMBERS]

Plan: two nations of so many members, 20 years of which 2 are month by month, into a new ledger
one after the other, and their cards: the second import looks its rows up among what the first
one booked, and has its postings in two files.  Of the rounds, in turns on either database, each
pass has its dearest import and of that the median.
Limits: one machine; what is imported is in memory; of few members, what a pass costs once shows.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import click

from atm_switch.ledger.csv_import import ImportOptions, import_files, link_cards
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.csv_passes import Step
from atm_switch.ledger.nation_files import NationWishes, write_nation
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.rates_file import read_rates
from atm_switch.security.vault import Vault
from tests.doubles.postgres import postgres_server
from tests.figures.banner import print_banner
from tests.figures.ledger_lookups import same_every_time
from tests.figures.ledger_nation import OTHERS, SEED, Nation

ROUNDS: Final = 3
AT: Final = datetime(2026, 7, 1, tzinfo=UTC)
Costs = dict[Step, float]


class Watch:
    """Takes the time of each pass as an import tells them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.costs: Costs = {}
        self._done = 0
        self._at = 0.0

    def __call__(self, at: Progress) -> None:
        """Hear how far it is."""
        now = time.perf_counter()
        for one in at.passes[self._done : at.passes_done]:
            self.costs[one.step] = (now - self._at) / max(one.rows, 1) * 1e9
        self._done, self._at = at.passes_done, now


def one_round(folder: Path, url: str, path: Path) -> Costs:
    """Import all of it into a new ledger; return the nanoseconds a row of each pass."""
    vault, dearest = Vault.fresh(same_every_time()), Costs()
    with closing(open_store(url, path)) as store:
        store.change(
            "INSERT INTO closed_years (year, accrual, rate_millipercent, accounts,"
            " development_sen, began_at) VALUES (1990, 'monthly', 0, 0, 0, '')"
        )
        for seed in (SEED, OTHERS):
            for names in (("participants.csv", "postings.csv", "more.csv"), ("cards.csv",)):
                files, watch = [folder / str(seed) / name for name in names], Watch()
                # Some members of the one nation are by chance also of the other.
                bad = path.with_name(f"bad-{path.name}-{seed}-{len(names)}.csv")
                options = ImportOptions(bad, watch)
                if names == ("cards.csv",):
                    link_cards(store, files[0], vault, AT, options)
                else:
                    import_files(store, files, vault, AT, options)
                for step, cost in watch.costs.items():
                    dearest[step] = max(cost, dearest.get(step, 0.0))
    return dearest


def written(folder: Path, members: int) -> None:
    """Write both nations, the postings of each in two files."""
    for seed in (SEED, OTHERS):
        place = folder / str(seed)
        wishes = NationWishes(members, Nation(members).span, seed, has_cards=True)
        write_nation(place, wishes, read_rates(), lambda *_: None)
        lines = (place / "postings.csv").read_text().splitlines(keepends=True)
        half = len(lines) // 2
        (place / "postings.csv").write_text("".join(lines[:half]))
        (place / "more.csv").write_text("".join([lines[0], *lines[half:]]))


def main(members: int) -> None:
    """Print the table."""
    print_banner("What a row costs in each pass of an import, in nanoseconds")
    rounds: dict[str, list[Costs]] = {"SQLite": [], "PostgreSQL": []}
    with tempfile.TemporaryDirectory() as place, postgres_server() as server:
        folder = Path(place)
        written(folder, members)
        for number in range(ROUNDS):
            rounds["SQLite"].append(one_round(folder, "", folder / f"{number}.db"))
            rounds["PostgreSQL"].append(
                one_round(folder, server.database(), folder / f"{number}.none")
            )
        server.clean()
    click.echo(f"{members:,} members, median of {ROUNDS} rounds")
    click.echo(f"{'':50} {'  '.join(rounds)}")
    for step in Step:
        told = "  ".join(f"{_median(costs, step):10,.0f}" for costs in rounds.values())
        click.echo(f"{step.value:50} {told}")


def _median(rounds: Sequence[Costs], step: Step) -> float:
    return median(one.get(step, 0.0) for one in rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
