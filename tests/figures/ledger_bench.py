"""The ledger at the size of the nation: import, look-ups, proofs, each beside its yardstick.

    python -m tests.figures.ledger_bench [--members 1000000] [--big-members 10000000]
                                         [--dir DIR] [--stores sqlite,postgres]

Plan: stages, each of which leaves its figures in ``DIR/figures-*.json``; the same command goes
on with the first that has none, whose work it does anew.  A nation of so many members, 20
years of which 2 are month by month, is imported into each store beside the raw import of the
database itself; look-ups go through the reader of the switch; the 10^7 members have their
opening balances.  Look-ups ask for the same 2,000 members of a ledger again and again, so what
they need is in memory.  An import here is the import alone; close-year and reconcile have stages
of their own.
Limits: one machine; the PostgreSQL server keeps its data in ``DIR/postgres``, is started for
its stages and shares the cores.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tests.doubles.postgres import postgres_server
from tests.figures.banner import print_banner
from tests.figures.ledger_nation import Nation
from tests.figures.ledger_stages import SMALL, Bench, Figures, synced_microseconds

FLAT, FLAT_CPU, DOUBLED = 1.5, 1.8, 2.0
BYTES_EACH = 16_000
"""Disk taken for each member, files and stores together, generously."""
SERVER = {"shared_buffers": "2GB", "max_wal_size": "8GB"}
"""As README advises; what PostgreSQL comes with is for the smallest of machines."""
CACHE = Path.home() / ".cache" / "atm-switch-bench"


def _on_sqlite(bench: Bench) -> None:
    small, whole = Nation(SMALL), Nation(bench.members)
    bench.stage(f"sqlite import {whole}", lambda: bench.taken(whole))
    bench.stage("sqlite raw .import", bench.raw_sqlite)
    bench.stage(f"sqlite import {small}", lambda: bench.taken(small))
    openings = [Nation(size, has_openings_only=True) for size in (SMALL, bench.big) if bench.big]
    for one in openings:
        bench.stage(f"nation {one}", lambda one=one: bench.nation(one))  # type: ignore[misc]
        bench.stage(f"sqlite import {one}", lambda one=one: bench.taken(one))  # type: ignore[misc]
    ledgers = [bench.ledger(one) for one in (small, whole, *openings)]
    bench.stage("sqlite look-ups", lambda: bench.lookups(ledgers))
    bench.stage("sqlite look-ups beside phases", bench.while_importing)
    bench.stage("sqlite inquiries beside phases", bench.inquiries_while_importing)
    bench.stage(f"sqlite close-year {whole}", lambda: bench.closed(whole))
    bench.stage(f"sqlite reconcile {whole}", lambda: bench.proven(whole))
    for one in openings[1:]:
        bench.stage(f"sqlite reconcile {one}", lambda one=one: bench.proven(one))  # type: ignore[misc]


def _on_postgres(bench: Bench) -> None:
    if {"postgres inquiries beside phases", "postgres reconcile"} <= bench.figures.keys():
        for name in [one for one in bench.figures if one.startswith("postgres")]:
            bench.stage(name, dict)
        return
    place = bench.path("postgres")
    if not os.environ.get("ATM_TEST_PG_DSN"):  # which is somebody's, and set as he likes it
        with postgres_server(kept_in=place) as server:
            server.configure(SERVER)
        click.echo(f"server   {', '.join(f'{name} {value}' for name, value in SERVER.items())}")
    with postgres_server(kept_in=place) as server:

        def taken(nation: Nation, name: str) -> Figures:
            server.drop(name)  # of a stage that was interrupted
            return bench.taken(nation, server.kept(name))

        def raw() -> Figures:
            server.drop("bench_raw")
            figures = bench.raw_postgres(server.kept("bench_raw", is_empty=True))
            server.drop("bench_raw")
            return figures

        def inquiries() -> Figures:
            server.drop("bench_switch")  # its members are sealed under another folder's keys
            return bench.inquiries_while_importing(server.kept("bench_switch"))

        small, whole = Nation(SMALL), Nation(bench.members)
        bench.stage("postgres import", lambda: taken(whole, "bench_members"))
        bench.stage("postgres raw COPY", raw)
        bench.stage("postgres import small", lambda: taken(small, "bench_small"))
        url, at = server.kept("bench_members"), server.kept("bench_small")
        ledgers = [bench.ledger(small, at), bench.ledger(whole, url)]
        bench.stage("postgres look-ups", lambda: bench.lookups(ledgers))
        bench.stage("postgres look-ups beside phases", lambda: bench.while_importing(at))
        bench.stage("postgres inquiries beside phases", inquiries)
        bench.stage("postgres close-year", lambda: bench.closed(whole, url))
        bench.stage("postgres reconcile", lambda: bench.proven(whole, url))


def promises(figures: dict[str, Figures], stores: set[str]) -> Iterator[tuple[str, bool]]:
    """Say of each promise what was measured, and whether it was kept."""
    for name, found in figures.items():
        if "differences" in found:
            yield f"{name}: {found['differences']} differences", found["differences"] == 0
        for key, slower in found.items():
            if key.startswith("times_slower_"):
                beside = key.removeprefix("times_slower_")
                told = f"{name}, {beside}: p99 {slower:.2f} times (at most {DOUBLED:g})"
                yield told, slower <= DOUBLED
    for store in sorted(stores):
        found = figures[f"{store} look-ups"]
        names = [name for name in found if name != "stage_seconds"]
        for small, large in zip(names[::2], names[1::2], strict=True):
            for what, most in (("p50_us", FLAT), ("p99_us", FLAT), ("cpu_us", FLAT_CPU)):
                ratio = found[large][what] / found[small][what]
                told = f"{store} look-up {large} against {small}, {what[:3]}"
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
    for one in (Nation(SMALL), bench.others, Nation(members)):
        bench.stage(f"nation {one}", lambda one=one: bench.nation(one))  # type: ignore[misc]
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
