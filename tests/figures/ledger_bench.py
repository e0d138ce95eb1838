"""The ledger at the size of the nation: import, look-ups, proofs, each beside its yardstick.

    python -m tests.figures.ledger_bench [--members 1000000] [--big-members 10000000]
                                         [--dir DIR] [--stores sqlite,postgres]

Plan: stages, each of which leaves its figures in ``DIR/figures-*.json``; the same command goes
on with the first that has none, whose work it does anew.  A nation of so many members, 20
years of which 2 are month by month, is imported into each store beside the raw import of the
database itself; look-ups go through the reader of the switch; the 10^7 members have their
opening balances.
Limits: one machine; the PostgreSQL server keeps its data in ``DIR/postgres``, is started for
its stages and shares the cores.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tests.doubles.postgres import postgres_server
from tests.figures.banner import print_banner
from tests.figures.ledger_lookups import Ledger
from tests.figures.ledger_stages import SEED, SMALL, Bench, Figures, synced_microseconds

FLAT, FLAT_CPU, DOUBLED = 1.5, 1.8, 2.0
BYTES_EACH = 16_000
"""Disk taken for each member, files and stores together, generously."""
CACHE = Path.home() / ".cache" / "atm-switch-bench"


def _on_sqlite(bench: Bench) -> list[Ledger]:
    members, big = bench.members, bench.big
    bench.stage(f"sqlite import {members:,}", lambda: bench.taken(members))
    bench.stage("sqlite raw .import", bench.raw_sqlite)
    bench.stage(f"sqlite import {SMALL:,}", lambda: bench.taken(SMALL))
    if big:
        bench.stage(f"nation {big:,}", lambda: bench.nation(big, is_opening_only=True))
        bench.stage(f"sqlite import {big:,}", lambda: bench.taken(big))
    sizes = [size for size in (SMALL, members, big) if size]
    ledgers = [Ledger(f"{size:,}", bench.place(size), size, SEED) for size in sizes]
    bench.stage("sqlite look-ups", lambda: bench.lookups(ledgers))
    bench.stage("sqlite during import", bench.while_importing)
    bench.stage("sqlite inquiries beside import", bench.inquiries_while_importing)
    bench.stage(f"sqlite close-year {members:,}", lambda: bench.closed(members))
    bench.stage(f"sqlite reconcile {members:,}", lambda: bench.proven(members))
    if big:
        bench.stage(f"sqlite reconcile {big:,}", lambda: bench.proven(big))
    return ledgers


def _on_postgres(bench: Bench) -> None:
    if "postgres reconcile" in bench.figures:
        for name in [one for one in bench.figures if one.startswith("postgres")]:
            bench.stage(name, dict)
        return
    with postgres_server(kept_in=bench.path("postgres")) as server:

        def taken(members: int, name: str) -> Figures:
            server.drop(name)  # of a stage that was interrupted
            return bench.taken(members, server.kept(name))

        def raw() -> Figures:
            server.drop("bench_raw")
            figures = bench.raw_postgres(server.kept("bench_raw", is_empty=True))
            server.drop("bench_raw")
            return figures

        def inquiries() -> Figures:
            server.drop("bench_switch")  # its members are sealed under another folder's keys
            return bench.inquiries_while_importing(server.kept("bench_switch"))

        members = bench.members
        bench.stage("postgres import", lambda: taken(members, "bench_members"))
        bench.stage("postgres raw COPY", raw)
        bench.stage("postgres import small", lambda: taken(SMALL, "bench_small"))
        url, small = server.kept("bench_members"), server.kept("bench_small")
        ledgers = [
            Ledger(f"{size:,}", bench.place(size, at), size, SEED)
            for size, at in ((SMALL, small), (members, url))
        ]
        bench.stage("postgres look-ups", lambda: bench.lookups(ledgers))
        bench.stage("postgres during import", lambda: bench.while_importing(small))
        bench.stage("postgres inquiries beside import", inquiries)
        bench.stage("postgres close-year", lambda: bench.closed(members, url))
        bench.stage("postgres reconcile", lambda: bench.proven(members, url))


def promises(figures: dict[str, Figures], stores: set[str]) -> Iterator[tuple[str, bool]]:
    """Say of each promise what was measured, and whether it was kept."""
    for name, found in figures.items():
        if "differences" in found:
            yield f"{name}: {found['differences']} differences", found["differences"] == 0
        if "times_slower" in found:
            slower = found["times_slower"]
            yield f"{name}: p99 {slower:.2f} times (at most {DOUBLED:g})", slower <= DOUBLED
    for store in sorted(stores):
        sizes = {name: one for name, one in figures[f"{store} look-ups"].items() if "," in name}
        first, last = sizes[next(iter(sizes))], sizes[list(sizes)[-1]]
        for what, most in (("p50_us", FLAT), ("cpu_us", FLAT_CPU)):
            ratio = last[what] / first[what]
            told = f"{store} look-up {list(sizes)[-1]} against {next(iter(sizes))}, {what[:3]}"
            yield f"{told}: {ratio:.2f} times (at most {most:g})", ratio <= most


@click.command()
@click.option("--members", type=click.IntRange(SMALL + 1), default=1_000_000, show_default=True)
@click.option("--big-members", type=click.IntRange(0), default=10_000_000, show_default=True,
              help="Of the largest SQLite ledger; 0 for none.")  # fmt: skip
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=CACHE,
              show_default="in the user's cache")  # fmt: skip
@click.option("--stores", default="sqlite,postgres", show_default=True)
def main(members: int, big_members: int, folder: Path, stores: str) -> None:
    """Measure stage by stage; exits 1 where a promise is not kept."""
    wanted = set(stores.split(","))
    bench = Bench(folder, members, big_members)
    print_banner("ledger at the size of the nation")
    click.echo(f"folder   {folder}; remove it when done, the same command goes on in it")
    need, free = (members + big_members // 3) * BYTES_EACH, shutil.disk_usage(folder).free
    if not bench.figures and free < need:
        raise click.ClickException(
            f"{need / 2**30:.0f} GiB are needed, {free / 2**30:.0f} are free; use --members, --dir"
        )
    click.echo(f"sync     {synced_microseconds(folder):.0f} us for 4 KiB (fdatasync)\n")
    for size in (SMALL, max(members // 10, SMALL), members):
        bench.stage(f"nation {size:,}", lambda size=size: bench.nation(size))  # type: ignore[misc]
    if "sqlite" in wanted:
        _on_sqlite(bench)
    if "postgres" in wanted:
        _on_postgres(bench)
    click.echo()
    kept = list(promises(bench.figures, wanted))
    for told, is_kept in kept:
        click.echo(f"{'kept  ' if is_kept else 'BROKEN'} {told}")
    sys.exit(0 if all(is_kept for _, is_kept in kept) else 1)


if __name__ == "__main__":
    main()
