"""Break each area on purpose, a little and often, and see whether its quick tests notice.

    python -m tests.figures.mutants [AREA ...] [--sample N] [--seed S] [--again] [--refute]

A mutant is one function with one thing changed: a comparison turned round, a number one higher,
an argument left out, a text in other letters.  Only the tests that run through the function are
asked (areas.py).  Killed is what made one fail or come to no end; the score is the killed among
all that were tried, and no survivor is argued away: those that cannot be told from the original
count against it too.  mutmut makes the mutants and runs them.  It leaves out functions with a
decorator (properties among them) and what stands outside of functions.

A small sample says little of a score: ``--refute`` fails only where it, in an area or in all of
them, could hardly be of one of 90 per cent.

It goes on where it was interrupted (Ctrl-C loses nothing): ``build/mutants/AREA`` holds the
verdicts and ``survivors.txt``.  A changed function is tried anew; ``--again`` tries the survivors
anew, after a test was added; ``--fresh`` forgets everything.
"""

import json
import math
import random
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from tests.figures.areas import AREAS, ROOT, SKIPPED, Area
from tests.figures.banner import print_banner

FOLDER = ROOT / "build" / "mutants"
COPIED = ("specs", "terminal_emulator", "README.md", "SECURITY.md", "hatch_build.py")
WANTED = 90.0
HARDLY = 0.001
"""The chance of a sample as bad as that, at which it is not believed to be chance."""
REPORTED_EVERY_SECONDS = 15.0
READ_AGAIN, READ_AGAIN_SECONDS = 50, 0.1
LINE = "{area:8} {made:>6} {tried:>6} {killed:>7} {late:>5} {survived:>9} {untested:>9} {score:>7}"

KILLED, LATE, SURVIVED, UNTESTED = "killed", "late", "survived", "untested"
VERDICTS = {1: KILLED, 3: KILLED, -11: KILLED, 0: SURVIVED, 5: UNTESTED, 33: UNTESTED,
            -24: LATE, 24: LATE, 36: LATE, 152: LATE, -9: LATE}  # fmt: skip
"""mutmut's exit codes: pytest's own, and the signals that end what does not end by itself."""

ALIVE = (SURVIVED, UNTESTED)

Verdicts = dict[str, int | None]


def verdict(code: int | None) -> str:
    """Name a verdict; what nobody can name did not kill.  Empty is not tried."""
    return "" if code is None else VERDICTS.get(code, SURVIVED)


def prepare(area: Area) -> Path:
    """Lay out a folder for mutmut: the project by links, and settings for this area alone."""
    folder = FOLDER / area.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("atm_switch", "tests", *COPIED):
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(ROOT / name)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    ours = {
        "source_paths": ["atm_switch"],
        "only_mutate": area.files(),
        "also_copy": list(COPIED),
        "pytest_add_cli_args_test_selection": area.test_files(),
        "pytest_add_cli_args": [
            "-p", "no:cacheprovider", "-k", SKIPPED, "--hypothesis-profile=mutants",
        ],
        "use_git_change_detection": False,
        "timeout_constant": 4.0,
        "timeout_multiplier": 6.0,
    }  # fmt: skip
    told = [*_table("mutmut", ours), *_table("pytest.ini_options", project)]
    (folder / "pyproject.toml").write_text("\n".join(told) + "\n")
    return folder


def _table(name: str, settings: dict[str, object]) -> list[str]:
    """Write a table of TOML, whose texts, lists and numbers are JSON's."""
    return [f"[tool.{name}]", *(f"{key} = {json.dumps(one)}" for key, one in settings.items())]


def verdicts(area: Area) -> Verdicts:
    """Read what is known of each mutant by its name; ``None`` is not tried."""
    known: Verdicts = {}
    for file in area.files():
        told = FOLDER / area.name / "mutants" / f"{file}.meta"
        if told.exists():
            known.update(_read(told)["exit_code_by_key"])
    return known


def _read(told: Path) -> dict[str, Verdicts]:
    """Read a file of mutmut's, which may be writing it just now."""
    for _ in range(READ_AGAIN):
        try:
            read: dict[str, Verdicts] = json.loads(told.read_text())
        except ValueError:
            time.sleep(READ_AGAIN_SECONDS)
        else:
            return read
    raise click.ClickException(f"{told} cannot be read; --fresh begins anew")


def mutmut(area: Area, names: list[str], chosen: list[str], jobs: int) -> int:
    """Run mutmut on ``names``; count aloud how many of ``chosen`` are tried.  Return its code."""
    folder = FOLDER / area.name
    command = [str(Path(sys.executable).with_name("mutmut")), "run", f"--max-children={jobs}"]
    with (folder / "run.log").open("w") as log:
        process = subprocess.Popen([*command, *names], cwd=folder, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                try:
                    process.wait(REPORTED_EVERY_SECONDS)
                except subprocess.TimeoutExpired:
                    tried = _tried(area, chosen)
                    click.echo(f"  {area.name}: {tried} of {len(chosen) or '?'} tried", err=True)
        except KeyboardInterrupt:
            process.wait()  # it was told too, and stops its workers
            raise
        return process.returncode


def _tried(area: Area, chosen: list[str]) -> int:
    known = verdicts(area)
    return sum(known.get(name) is not None for name in chosen)


def made(area: Area, jobs: int) -> Verdicts:
    """Have all mutants made and the tests' ways recorded, with none tried yet."""
    # mutmut has no command for this; asked for a mutant there is not, it gets as far as that.
    mutmut(area, ["none of them"], [], jobs)
    known = verdicts(area)
    log = FOLDER / area.name / "run.log"
    if not known or "nothing matches" not in log.read_text():
        raise click.ClickException(f"{area.name}: the tests do not run there; see {log}")
    return known


def write_survivors(area: Area, names: list[str]) -> Path:
    """Write what each survivor changed, for whoever writes the test that kills it."""
    folder = FOLDER / area.name
    told = folder / "survivors.txt"
    shown = [
        subprocess.run(
            [str(Path(sys.executable).with_name("mutmut")), "show", name],
            check=False, cwd=folder, capture_output=True, text=True,
        ).stdout
        for name in names
    ]  # fmt: skip
    told.write_text("\n".join(shown))
    return told


def try_area(area: Area, sample: int, seed: str, jobs: int, *, again: bool) -> list[str]:
    """Try what is wanted of an area and has no verdict; return the names of what is wanted."""
    prepare(area)
    known = made(area, jobs)
    chosen = sorted(known)
    if 0 < sample < len(chosen):
        chosen = random.Random(f"{seed}/{area.name}").sample(chosen, sample)  # noqa: S311 - no keys
    unknown = [name for name in chosen if known[name] is None]
    if again:
        unknown += [name for name in chosen if verdict(known[name]) in ALIVE]
    if unknown and mutmut(area, unknown, chosen, jobs):
        log = FOLDER / area.name / "run.log"
        raise click.ClickException(f"{area.name}: the tests fail without a mutant; see {log}")
    return chosen


def is_refuted(killed: int, tried: int, wanted: float = WANTED) -> bool:
    """Tell whether so few killed of a sample could hardly be of a score of ``wanted`` per cent."""
    share = wanted / 100
    chance = sum(
        math.comb(tried, count) * share**count * (1 - share) ** (tried - count)
        for count in range(killed + 1)
    )
    return chance < HARDLY


def print_score(area: Area, chosen: list[str]) -> tuple[int, int]:
    """Print what became of the chosen ones; return how many were killed, of how many tried."""
    known = verdicts(area)
    tried = [name for name in chosen if known.get(name) is not None]
    counts = Counter(verdict(known[name]) for name in tried)
    killed = counts[KILLED] + counts[LATE]
    score = 100 * killed / len(tried) if tried else 0.0
    click.echo(
        LINE.format(
            area=area.name, made=len(known), tried=len(tried), score=f"{score:.1f}%",
            **{name: counts[name] for name in (KILLED, LATE, SURVIVED, UNTESTED)},
        )
    )  # fmt: skip
    left = [name for name in tried if verdict(known[name]) in ALIVE]
    click.echo(f"{'':8} {write_survivors(area, left).relative_to(ROOT)}")
    return killed, len(tried)


@click.command()
@click.argument("areas", nargs=-1, type=click.Choice(tuple(AREAS)))
@click.option(
    "--sample", type=click.IntRange(min=0), default=0, help="So many of each area; 0: all."
)
@click.option("--seed", default="1", show_default=True, help="Any text: which ones are drawn.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--abreast", type=click.IntRange(min=1), default=1, help="Areas at once.")
@click.option("--refute", is_flag=True, help="Fail only where 90 per cent can hardly be.")
@click.option("--again", is_flag=True, help="Try survivors anew, after a test was added.")
@click.option("--fresh", is_flag=True, help="Forget all verdicts first.")
def main(
    areas: tuple[str, ...], sample: int, seed: str, jobs: int, abreast: int,
    *, again: bool, fresh: bool, refute: bool,
) -> None:  # fmt: skip
    """Try mutants of AREAS, or of all; exit with 1 where less than 90 per cent are killed."""
    print_banner("mutants of each area, killed by its own quick tests")
    drawn = f"a sample of {sample} of each area, seed {seed}" if sample else "all of them"
    click.echo(f"mutants  {drawn}\n")
    head = {name: name for name in (KILLED, LATE, SURVIVED, UNTESTED)}
    click.echo(LINE.format(area="area", made="made", tried="tried", score="score", **head))
    began, scores = time.perf_counter(), list[tuple[int, int]]()
    wanted, is_whole = [AREAS[name] for name in areas or tuple(AREAS)], True
    for area in wanted if fresh else ():
        shutil.rmtree(FOLDER / area.name, ignore_errors=True)
    with ThreadPoolExecutor(abreast) as pool:
        trying = [pool.submit(try_area, one, sample, seed, jobs, again=again) for one in wanted]
        for area, tried in zip(wanted, trying, strict=True):
            chosen = tried.result()
            scores.append(print_score(area, chosen))
            is_whole &= scores[-1][1] == len(chosen)
    together = tuple(map(sum, zip(*scores, strict=True)))
    how = f"{together[0]} of {together[1]} killed; " if refute else ""
    how += "fails where that can hardly be of " if refute else "wanted "
    click.echo(f"\n{time.perf_counter() - began:.0f} s; {how}{WANTED:.0f}% of each")
    if refute:
        is_enough = not any(is_refuted(*one) for one in (*scores, together))
    else:
        is_enough = all(killed * 100 >= WANTED * tried for killed, tried in scores)
    sys.exit(0 if is_enough and is_whole else 1)


if __name__ == "__main__":
    main()
