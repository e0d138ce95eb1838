"""Imports of a real process under kill -9, Ctrl-C and a full disk: all or nothing, once."""

import os
import pty
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.end_to_end.command_line import PROGRAM, SECONDS_MAX, CommandLine, environment

MEMBERS, POSTINGS_EACH = 5_000, 30
KILLS = 20
IMPORT = ("ledger", "import", "bank", "participants.csv", "postings.csv")


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """Lend a folder ``bank`` and two files of 150,000 postings."""
    line = CommandLine(tmp_path)
    assert 0 == line("init", "bank").returncode
    kpjs = [f"{20_000_000_000 + 37 * n}" for n in range(MEMBERS)]
    participants = ["kpj,nik,name,birth_date,segment,status"]
    postings = ["kpj,posted_on,kind,amount"]
    for n, kpj in enumerate(kpjs):
        participants.append(f"{kpj},99010112038{n + 10_000},PESERTA {n},1985-03-12,PU,A")
        postings += [
            f"{kpj},{1990 + each}-06-30,contribution,{n + 1}.{each:02d}"
            for each in range(POSTINGS_EACH)
        ]
    (tmp_path / "participants.csv").write_text("\n".join(participants))
    (tmp_path / "postings.csv").write_text("\n".join(postings))
    return line


def expected() -> tuple[int, int, int]:
    """Return members, postings and sen of the whole import."""
    sen = sum(100 * (n + 1) * POSTINGS_EACH + sum(range(POSTINGS_EACH)) for n in range(MEMBERS))
    return MEMBERS, MEMBERS * POSTINGS_EACH, sen


def held(folder: Path) -> tuple[int, int, int]:
    """Return members, postings and sen the ledger has; none where it is not made yet."""
    path = folder / "bank" / "ledger.db"
    with closing(sqlite3.connect(path)) as ledger, suppress(sqlite3.OperationalError):
        found = ledger.execute(
            "SELECT (SELECT count(*) FROM participants), count(*), coalesce(sum(amount_sen), 0)"
            " FROM postings"
        ).fetchone()
        return tuple(found)
    return 0, 0, 0


def begin(folder: Path, *options: str) -> "subprocess.Popen[str]":
    """Start the import."""
    return subprocess.Popen(
        [*PROGRAM, *IMPORT, *options],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_twenty_kills_neither_lose_nor_double(command: CommandLine) -> None:
    """
    Killed at twenty random moments, the ledger has all or nothing, and in the end all, once.
    """
    chance = random.Random(8583)  # noqa: S311 - moments of kills, the same in every run
    pristine = command.folder / "pristine"
    shutil.copytree(command.folder / "bank", pristine)
    began = time.monotonic()
    assert 0 == command(*IMPORT).returncode
    calm_seconds = time.monotonic() - began

    kills = 0
    while kills < KILLS:
        if held(command.folder) == expected():
            shutil.rmtree(command.folder / "bank")
            shutil.copytree(pristine, command.folder / "bank")
        with begin(command.folder) as process:
            try:
                process.wait(chance.uniform(0.2, 1.0) * calm_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            else:  # it was over before; where the machine stood still at the first it always is
                calm_seconds *= 0.9
        assert held(command.folder) in ((0, 0, 0), expected())
    finished = command(*IMPORT)

    assert 0 == finished.returncode, finished.stderr
    assert expected() == held(command.folder)
    assert 0 == command("ledger", "reconcile", "bank").returncode
    assert not list((command.folder / "bank").glob("ledger.db.import*[!k]"))


def test_kill_amid_booking_leaves_its_rejects_to_the_next(command: CommandLine) -> None:
    """
    A rejects file the killed import had begun is written anew by the one that goes on.
    """
    rejects = command.folder / "rejects.postings.csv"
    with (command.folder / "postings.csv").open("a") as file:
        file.write("\nbad\n")
    with begin(command.folder, "--skip-bad", "rejects.csv") as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.startswith("booking"))
        process.kill()
    between, was_begun = held(command.folder), rejects.exists()

    finished = command(*IMPORT, "--skip-bad", "rejects.csv")

    assert ((0, 0, 0), True) == (between, was_begun)
    assert 0 == finished.returncode, finished.stderr
    assert expected() == held(command.folder)
    assert 2 == len(rejects.read_text().splitlines())


@pytest.mark.parametrize("moment", ["10 %", "booking"])
def test_interrupted_import_says_how_to_go_on(command: CommandLine, moment: str) -> None:
    """
    Ctrl-C ends with 130 and one sentence; the same command says that it goes on.
    """
    with begin(command.folder) as process:
        assert process.stderr is not None
        said = [next(line for line in process.stderr if line.startswith(moment))]
        process.send_signal(signal.SIGINT)
        said += process.stderr.readlines()
        code = process.wait(SECONDS_MAX)
    between = held(command.folder)
    finished = command(*IMPORT)

    assert (130, (0, 0, 0)) == (code, between)
    sentence = "interrupted, nothing was changed; the same command goes on where it stopped"
    assert f"atm-switch: {sentence}\n" == said[-1]
    assert "going on where the last try stopped: " in finished.stderr
    assert expected() == held(command.folder)


@pytest.mark.parametrize("bytes_max", [2_000_000, 6_000_000], ids=["reading", "booking"])
def test_full_disk_leaves_nothing_half_done(command: CommandLine, bytes_max: int) -> None:
    """
    Where files cannot grow any more, the import says so; with room again it ends well.
    """
    full = subprocess.run(
        [*PROGRAM, *IMPORT],
        cwd=command.folder,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max)),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    between = held(command.folder)
    finished = command(*IMPORT)

    assert (1, (0, 0, 0)) == (full.returncode, between)
    assert "the ledger cannot be read or written, nothing was changed" in full.stderr
    assert 0 == finished.returncode, finished.stderr
    assert expected() == held(command.folder)


def test_bar_tells_each_phase_and_is_full_only_at_the_end(command: CommandLine) -> None:
    """
    Checking and booking tell pass by pass how far they are, with rate and time left; booking is
    done with its last pass, the commit, and a pass that runs is never told as done.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *IMPORT],
        cwd=command.folder,
        env={**environment(), "TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the other end is closed
            while chunk := os.read(ours, 65_536):
                shown += chunk
    os.close(ours)

    frames = shown.decode().split("\r")
    booking = [frame for frame in frames if "booking" in frame]
    assert [one for one in booking if re.search(r"pass [0-9]+ of .* rows/s, left: .*[0-9]:", one)]
    checking = [frame for frame in frames if re.search(r"checking, pass [2-9] of ", frame)]
    assert checking
    full = [frame for frame in frames if "100%" in frame and "reading" not in frame]
    assert [] == [frame for frame in full if not re.search(r"pass ([0-9]+) of \1\b", frame)]
    assert [frame for frame in frames if "reading" in frame and "%" in frame]
