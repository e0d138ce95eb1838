"""G21: the disk is full, and a sync fails; every request is answered, no acknowledged row lost.

    python -m tests.chaos.disk_full [--long] [--seed S]

Plan: the data folder lies on a small tmpfs of its own.  A filler takes all that is free
under load and goes again.  Then, with a preloaded library, ``fdatasync`` begins to fail
(EIO): from then on nothing may be approved, for what the disk holds is not known; the switch
answers what is under way 96 and ends with exit code 74, and its next start goes on; with one
worker, and with two.
Limits: mounting needs root, the library a C compiler; without them, said in words.
"""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.folder import open_folder
from atm_switch.seat import LOST
from tests.chaos.honest import Honest, Script, Tally, paced
from tests.chaos.ledger_away import Outage, through
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove, skipped

DISK_MIB = 48
BACK_SECONDS_MAX = 1.0
WORKERS = {1: 10.0, 2: 5.0}
"""In how many a switch answers whose syncs fail, and how long it is loaded: a second before."""
SHIM = """
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>
#include <dlfcn.h>
#include <stdlib.h>
int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *sign = getenv("CHAOS_SYNC_FAILS");
    if (sign && access(sign, F_OK) == 0) { errno = EIO; return -1; }
    return real(fd);
}
"""


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """Mount a tmpfs at ``place`` for a block.  Raises ``CalledProcessError`` where it may not."""
    place.mkdir()
    options = f"size={DISK_MIB}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(disk: Path) -> None:
    """Take all that is free."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    filler.write(bytes(size))


def rows_lost(plant: Plant, tally: Tally) -> int:
    """Count approved answers without a row B on disk."""
    opened = open_folder(plant.folder)
    with JournalReader(opened.journal) as reader:
        rows = reader.follow(0, 10_000_000)
        is_sound = reader.verify(opened.vault()).is_sound
    written = {row.rrn for row in rows if not row.is_reservation}
    lost = sum(told.code == "00" and told.rrn not in written for told in tally.answers)
    return lost if is_sound else len(rows)


def outage_of(
    plant: Plant, seconds: float, begin: Callable[[], None], end: Callable[[], None]
) -> Outage:
    """Run the plant through an outage and stop it."""
    with running(plant):
        outage, _ = asyncio.run(through(plant, seconds, begin, end))
        plant.stop()
    return outage


def full_part(trial: Trial, seconds: float) -> tuple[bool, str]:
    """Fill the disk under load."""
    root = trial.root / "full"
    with small_disk(root / "bank") as disk:
        plant = set_up(root, "--pin", "acquirer", is_patient=not trial.is_timed)
        outage = outage_of(plant, seconds, lambda: fill(disk), (disk / "filler").unlink)
        lost = rows_lost(plant, outage.tally)
    inside = outage.inside
    is_held = (
        lost == outage.tally.hung_up == plant.mistakes == 0
        and inside.codes.keys() <= {"00", "91", "96"} and inside.codes["96"] > 0
        and outage.back_after < inf and trial.in_time(was=outage.back_after < BACK_SECONDS_MAX)
    )  # fmt: skip
    return is_held, (
        f"disk full {seconds:.0f} s: {dict(inside.codes)}, {outage.tally.hung_up} unanswered, "
        f"{lost} lost, back in {outage.back_after:.2f} s"
    )


def failing_syncs(root: Path) -> tuple[dict[str, str], Path]:
    """Build the library; return the environment for it, and the file by which syncs fail."""
    source, library, sign = root / "shim.c", root / "shim.so", root / "fails"
    source.write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "CHAOS_SYNC_FAILS": str(sign)}, sign


async def until_it_ends(
    plant: Plant, fail: Callable[[], None], seconds: float
) -> tuple[Tally, float]:
    """Load the switch, have syncs fail, and go on until every link is gone and time is over."""
    script, tally = Script(plant.folder), Tally()
    links = [await Honest.open(script, plant.port) for _ in range(4)]
    loads = [asyncio.ensure_future(paced(link, tally, 10.0, seconds)) for link in links]
    await asyncio.sleep(1.0)
    began = time.monotonic()
    fail()
    await asyncio.gather(*loads)
    return tally, began


def sync_part(trial: Trial, workers: int, seconds: float) -> tuple[bool, str]:
    """Have every sync fail from a moment on; then start anew on a disk that is well."""
    root = trial.root / str(workers)
    plant = set_up(root, "--pin", "acquirer", workers=workers, is_patient=not trial.is_timed)
    plant.environment, sign = failing_syncs(root)
    with running(plant):
        tally, began = asyncio.run(until_it_ends(plant, sign.touch, seconds))
        code = plant.process.wait(30) if plant.process else None
    after = tally.between(began + 0.1, time.monotonic())
    sign.unlink()
    with running(plant):
        again, _ = asyncio.run(through(plant, 0.0, lambda: None, lambda: None))
        plant.stop()
    lost = rows_lost(plant, tally)
    is_held = (
        lost == 0 and code == LOST and after.codes.keys() <= {"91", "96"}
        and again.tally.codes.keys() == {"00"}
    )  # fmt: skip
    return is_held, (
        f"sync fails, workers {workers}: {dict(after.codes)} from then on, exit {code}, "
        f"{lost} lost; {again.tally.codes['00']} x 00 after the next start"
    )


def measure(trial: Trial) -> Found:
    """Both."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return skipped("a disk of its own needs root and mount")
    seconds = float(trial.size(4, 60))
    for name in ("full", *map(str, WORKERS)):
        (trial.root / name).mkdir()
    try:
        parts = [full_part(trial, seconds)]
    except subprocess.CalledProcessError:
        return skipped("no tmpfs may be mounted here")
    is_whole = shutil.which("gcc") is not None
    if is_whole:
        parts += [sync_part(trial, workers, load) for workers, load in WORKERS.items()]
    else:
        parts.append((True, "sync fails: skipped, no C compiler"))
    said = "; ".join(said for _, said in parts)
    return Found(said, is_held=all(held for held, _ in parts), is_whole=is_whole)


GOAL = Goal(
    "G21", "disk full, sync fails", "all answered 96 or 91, 0 lost, back 1 s after space", measure
)

if __name__ == "__main__":
    prove(GOAL)
