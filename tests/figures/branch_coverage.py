"""Measure the branches of each area, taken by its own quick tests (areas.py).

    python -m tests.figures.branch_coverage [AREA ...] [--jobs N]

Areas are measured side by side.  Exits with 1 where a branch or a line was not taken.  A line
that cannot be reached is left out only by a ``pragma: no cover`` that says why.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tests.figures.areas import AREAS, ROOT, Area
from tests.figures.banner import print_banner

LINE = "{area:8} {file:44} {lines:>6} {branches:>9} {share:>7}  {missed}"


@dataclass(frozen=True, slots=True)
class Covered:
    """What one source has, and what of it was taken."""

    file: str
    lines: int
    branches: int
    missed: tuple[str, ...]
    """Lines, and branches as ``from->to``."""

    @classmethod
    def of(cls, file: str, told: dict[str, Any]) -> "Covered":
        """Read what coverage.py says of a file."""
        counts = told["summary"]
        missed = [str(line) for line in told["missing_lines"]]
        missed += [f"{begins}->{ends}" for begins, ends in told["missing_branches"]]
        return cls(file, counts["num_statements"], counts["num_branches"], tuple(missed))

    @property
    def share(self) -> float:
        """Per cent of lines and branches."""
        whole = self.lines + self.branches
        return 100 * (1 - len(self.missed) / whole) if whole else 100.0


def configuration(files: Sequence[str]) -> str:
    """Write coverage.py's settings for these files, with the exclusions of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    excluded = project["tool"]["coverage"]["report"]["exclude_also"]
    told = ["[run]", "branch = true", "parallel = true", "patch = subprocess", "include ="]
    told += [f"    {ROOT / file}" for file in files]
    return "\n".join([*told, "[report]", "exclude_also =", *(f"    {one}" for one in excluded)])


def measure(area: Area) -> list[Covered]:
    """Run the tests of an area.  Raises ``click.ClickException`` where they fail."""
    files = area.files()
    with tempfile.TemporaryDirectory(prefix="branch-coverage-") as folder:
        settings, told = Path(folder) / "coveragerc", Path(folder) / "told.json"
        settings.write_text(configuration(files))
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "data")}
        coverage = [sys.executable, "-m", "coverage"]
        tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
        for command in (
            ["run", f"--rcfile={settings}", *tests, *area.test_files()],
            ["combine", "-q", f"--rcfile={settings}"],
            ["json", "-q", f"--rcfile={settings}", "-o", str(told)],
        ):
            done = subprocess.run(
                [*coverage, *command],
                check=False,
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise click.ClickException(
                    f"{area.name}: {done.stdout[-2000:]}{done.stderr[-500:]}"
                )
        measured = json.loads(told.read_text())["files"]
    untouched = sorted(set(files) - set(measured))
    if untouched:
        raise click.ClickException(f"{area.name}: no test imports {', '.join(untouched)}")
    return [Covered.of(file, measured[file]) for file in files]


def print_area(name: str, covered: list[Covered]) -> None:
    """Print a line for each file and one for all."""
    lines, branches = sum(one.lines for one in covered), sum(one.branches for one in covered)
    missed = [text for one in covered for text in one.missed]
    for one in covered:
        if one.lines:
            click.echo(
                LINE.format(
                    area=name, file=one.file, lines=one.lines, branches=one.branches,
                    share=f"{one.share:.1f}%", missed=" ".join(one.missed),
                )
            )  # fmt: skip
    whole = Covered("all", lines, branches, tuple(missed))
    click.echo(
        LINE.format(
            area=name, file="all", lines=lines, branches=branches, share=f"{whole.share:.1f}%",
            missed=f"{len(missed)} missed",
        )
        + "\n"
    )  # fmt: skip


@click.command()
@click.argument("areas", nargs=-1, type=click.Choice(tuple(AREAS)))
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
def main(areas: tuple[str, ...], jobs: int) -> None:
    """Measure AREAS, or all of them; exit with 1 under 100 per cent."""
    print_banner("branch coverage of each area by its own quick tests")
    head = {"area": "area", "file": "source", "lines": "lines", "branches": "branches"}
    click.echo("\n" + LINE.format(**head, share="taken", missed="not taken"))
    began, is_whole = time.perf_counter(), True
    names = areas or tuple(AREAS)
    # Whoever has the most tests begins: what is left to be waited for at the end is short.
    begin = sorted(names, key=lambda name: len(AREAS[name].test_files()), reverse=True)
    with ThreadPoolExecutor(jobs) as pool:
        measured = {name: pool.submit(measure, AREAS[name]) for name in begin}
        for name in names:
            covered = measured[name].result()
            print_area(name, covered)
            is_whole &= not any(one.missed for one in covered)
    click.echo(f"{time.perf_counter() - began:.0f} s; {'all taken' if is_whole else 'NOT ALL'}")
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
