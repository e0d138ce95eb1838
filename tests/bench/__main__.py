"""Measure every figure, or those named, and print one table.

Plan: figures run one after the other; what is done is in the JSON file before the next one
begins, so Ctrl-C loses one figure at most, and charts are drawn from that file.  A figure
that breaks is a row that says so.  Exits 1 where a promise was not kept or a figure broke.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from tests.bench import charts, report
from tests.bench.catalogue import ENTRIES
from tests.bench.figure import SHORT, Bench, Got, row_of
from tests.figures.banner import print_banner, taken_on

BROKEN = "BROKEN"
NAMES = [entry.name for entry in ENTRIES]


def measured(name: str, rounds: int) -> list[dict[str, Any]]:
    """Measure one figure; whatever breaks becomes a row."""
    module = import_module(f"tests.bench.{name}")
    taken, by_name = taken_on(), {goal.name: goal for goal in module.GOALS}
    rows: dict[str, dict[str, Any]] = {}
    broken = ""
    with tempfile.TemporaryDirectory(prefix="atm-switch-bench-") as folder:
        bench = Bench(rounds, Path(folder), lambda text: click.echo(f"  {text}", err=True))
        try:
            for got in module.measure(bench):
                rows[got.name] = row_of(name, by_name[got.name], got)
        except Exception as error:  # noqa: BLE001 - one broken figure does not lose the others
            broken = f"{type(error).__name__}: {error}"
    for goal in module.GOALS:
        if goal.name not in rows:
            rows[goal.name] = row_of(name, goal, Got.left_out(goal.name, broken or "no result"))
            rows[goal.name]["verdict"] = BROKEN
    return [{**rows[goal.name], "taken": taken} for goal in module.GOALS]


def draw(rows: Sequence[report.Row], folder: Path) -> None:
    """Draw the charts of all modules that have rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        own = [row for row in rows if row["module"] == name]
        if own:
            (folder / f"{name}.svg").write_text(charts.chart(name, own))


@click.command(epilog="Names: " + "; ".join(f"{e.name}, {e.about}" for e in ENTRIES))
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--rounds", type=click.IntRange(3), default=5, show_default=True)
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False),
              help="Keep the rows here, beside those of modules not measured now.")  # fmt: skip
@click.option("--charts", "folder", type=click.Path(path_type=Path, file_okay=False),
              help="Draw an SVG of each module's rows here.")  # fmt: skip
def main(names: tuple[str, ...], rounds: int, file: Path | None, folder: Path | None) -> None:
    """Measure the figures NAMES, or all of them, and print one table."""
    print_banner("figures of speed, medians of interleaved rounds")
    known = report.read(file) if file else []
    fresh: list[dict[str, Any]] = []
    for name in names or NAMES:
        began = time.monotonic()
        click.echo(f"{name} ...", err=True)
        fresh += measured(name, rounds)
        click.echo(f"{name}: {time.monotonic() - began:.0f} s", err=True)
        if file:
            report.write(file, report.merged(known, fresh, NAMES))
    rows = report.merged(known, fresh, NAMES)
    if folder:
        draw(rows, folder)
    click.echo("\n" + report.table(fresh))
    sys.exit(any(row["verdict"] in (SHORT, BROKEN) for row in fresh))


if __name__ == "__main__":
    main()
