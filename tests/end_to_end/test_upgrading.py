"""A start that brings a large folder up to date: longer than anybody waits for a lock.

The program is this one with a migration more, which takes as long as a test wants.
"""

import asyncio
import json
import math
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

import atm_switch
from atm_switch.adapters.folder_lock import is_held_by_command, lock_folder, lock_writing
from atm_switch.adapters.schema import BUSY_SECONDS, migrations_of
from atm_switch.adapters.service_manager import ServiceManager
from atm_switch.cli import main
from atm_switch.folder import open_folder
from atm_switch.server.log import Logger
from atm_switch.upgrade import bring_up_to_date
from tests.doubles.looks import looks_at_the_writer
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.talk import Talk, inquiry
from tests.doubles.workers import wait_for, with_workers

CARD = "9990090000000012"
PLANTED = 9000
NEWEST = migrations_of("journal")[-1][0]
COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT sum(i) FROM n"
)
ENDLESS = 10**15


def count_for(seconds: float) -> int:
    """How far SQLite counts in so many seconds of CPU on this machine, when it is quickest."""
    tried, taken = 1_000_000, math.inf
    with closing(sqlite3.connect(":memory:")) as connection:
        for _ in range(5):
            began = time.process_time()
            connection.execute(COUNT.format(tried)).fetchall()
            taken = min(taken, time.process_time() - began)
    return round(tried * seconds / taken)


def program_with_migration(root: Path, count: int) -> Path:
    """Make a folder with the whole program, and one more migration of the journal."""
    real = Path(atm_switch.__file__).parent
    inside = root / "atm_switch" / "adapters" / "migrations" / "journal"
    inside.mkdir(parents=True)
    copied, theirs = inside, real / "adapters" / "migrations" / "journal"
    while theirs != real.parent:
        for one in theirs.iterdir():
            if not (copied / one.name).exists() and one.name != "__pycache__":
                (copied / one.name).symlink_to(one)
        copied, theirs = copied.parent, theirs.parent
    (inside / f"{PLANTED}_slow.sql").write_text(f"CREATE TABLE late (a);\n{COUNT.format(count)};\n")
    return root


def version_of(folder: Path) -> int:
    """The schema of the folder's journal."""
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def said_of(log: Path, event: str) -> list[dict[str, object]]:
    """What the log has of an event."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [one for one in lines if one["event"] == event]


@pytest.mark.parametrize("workers", [1, 2])
def test_start_waits_for_a_long_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """
    It outlasts what any process waits for a lock, and the switch starts all the same; the log
    says what was brought up to date, and systemd is asked for time meanwhile.
    """
    folder = make_folder(tmp_path, "--pin", "acquirer")
    set_in(folder, "journal", writer="process")
    if workers > 1:
        with_workers(folder, workers)
    program = program_with_migration(tmp_path / "program", count_for(1.6 * BUSY_SECONDS))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(SECONDS)
        monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
        with serve(folder, cwd=program) as served, Talk.of(served.port, folder) as talk:
            first = systemd.recv(4096).decode()
            code = talk.ask(inquiry(1, {2: CARD}))[39]
    (begun,) = said_of(served.log, "bringing up to date")
    (done,) = said_of(served.log, "brought up to date")

    assert "00" == code
    assert ("journal.db", NEWEST, PLANTED) == (begun["file"], begun["schema"], begun["wanted"])
    assert isinstance(done["seconds"], float)
    assert done["seconds"] > BUSY_SECONDS
    assert first.startswith("EXTEND_TIMEOUT_USEC=")
    assert PLANTED == version_of(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_start_that_is_ended_amid_a_migration_leaves_the_file_whole(
    tmp_path: Path, number: signal.Signals
) -> None:
    """
    Ctrl-C and SIGTERM end it at once, with every process of it; the release that made the file
    goes on with it.
    """
    folder = make_folder(tmp_path)
    set_in(folder, "journal", writer="process")
    program = program_with_migration(tmp_path / "program", ENDLESS)
    command = [sys.executable, "-m", "atm_switch", "serve", str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=program
    ) as process:
        assert process.stderr is not None
        begun = process.stderr.readline()
        process.send_signal(number)
        _, rest = process.communicate(timeout=SECONDS)  # until nobody has it open any more

    assert "bringing up to date" == json.loads(begun)["event"]
    assert (-number, "") == (process.returncode, rest)
    assert NEWEST == version_of(folder)
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
        late = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'late'").fetchall()
    assert [] == late
    with serve(folder) as served:
        assert [] == said_of(served.log, "bringing up to date")
    assert 0 == run("journal", "verify", folder).returncode


def test_nothing_is_brought_up_to_date_beside_a_switch(tmp_path: Path) -> None:
    """A second start on a folder is refused before it touches the files of the first."""
    folder = make_folder(tmp_path)
    program = program_with_migration(tmp_path / "program", 1)
    release = lock_folder(folder)
    served = subprocess.run(
        [sys.executable, "-m", "atm_switch", "serve", str(folder)],
        capture_output=True, text=True, cwd=program, timeout=SECONDS, check=False,
    )  # fmt: skip
    release()

    assert 1 == served.returncode
    assert "another atm-switch serves" in served.stderr
    assert NEWEST == version_of(folder)


async def test_nothing_is_brought_up_to_date_beside_a_writer(tmp_path: Path) -> None:
    """The writer of a switch that was killed knows the older schema only: it is waited for."""
    folder = outdated(make_folder(tmp_path))
    said: list[str] = []
    log = Logger(lambda record: said.append(record[2]), "info")
    let_go = await lock_writing(folder)

    bringing = asyncio.create_task(bring_up_to_date(open_folder(folder), log, ServiceManager()))
    await asyncio.sleep(0)
    before = version_of(folder)
    let_go()
    await bringing

    assert (NEWEST - 1, NEWEST) == (before, version_of(folder))
    assert ["bringing up to date", "brought up to date"] == said


def outdated(folder: Path) -> Path:
    """Have a folder's journal be of the release before, as far as anybody can tell."""
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST - 1}")
    return folder


def test_no_switch_starts_while_a_command_brings_the_files_up_to_date(tmp_path: Path) -> None:
    """
    It would be of the older release, whose files they still are: it is refused in words that
    name the cause, however long the command takes.
    """
    folder = make_folder(tmp_path)
    program = program_with_migration(tmp_path / "program", ENDLESS)
    command = [sys.executable, "-m", "atm_switch", "keys", "generate", str(folder)]
    words = ["--acquirer", "009", "--usage", "mac", "--replace"]
    with subprocess.Popen([*command, *words], stderr=subprocess.DEVNULL, cwd=program) as process:
        try:
            wait_for(lambda: is_held_by_command(folder))
            served = run("serve", folder)
        finally:
            process.kill()
            process.wait(SECONDS)

    assert 1 == served.returncode
    assert "a command brings the files of" in served.stderr
    assert NEWEST == version_of(folder)
    with serve(folder):
        pass


@pytest.mark.parametrize("words", [("migrate",), ("backup", "bank.tar")], ids=" ".join)
async def test_command_waits_for_the_writer_of_a_switch_that_has_just_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str]
) -> None:
    """It knows the older schema only, and still writes what it was sent."""
    folder = outdated(make_folder(tmp_path))
    name, *files = words
    let_go = await lock_writing(folder)
    looks = looks_at_the_writer(monkeypatch)

    work = asyncio.to_thread(main, [name, str(folder), *(str(tmp_path / one) for one in files)])
    working = asyncio.create_task(work)
    while not (working.done() or len(looks) > 1):  # having looked in vain, it looks again
        await asyncio.sleep(0.005)
    before = version_of(folder)
    let_go()

    assert 0 == await working
    assert (NEWEST - 1, NEWEST) == (before, version_of(folder))


def test_command_does_not_wait_for_a_writer_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused in words, the files are as they were."""
    monkeypatch.setattr("atm_switch.adapters.folder_lock.WRITER_SECONDS_MAX", 0.05)
    folder = outdated(make_folder(tmp_path))
    let_go = asyncio.run(lock_writing(folder))

    code = main(["migrate", str(folder)])
    let_go()

    assert (1, NEWEST - 1) == (code, version_of(folder))
    refused = capsys.readouterr().err
    assert "does not end; is the disk well?" in refused
    assert "fuser -k writer.lock" in refused


WRITING = (
    ("backup", "{bank}", "{bank}.tar"),
    ("acquirer", "add", "{bank}", "014", "--name", "BANK LAIN"),
    ("cards", "block", "{bank}"),
    ("cards", "link", "{bank}", "{bank}/sample/cards.csv"),
    ("cards", "rotate-key", "{bank}"),
    ("cards", "unblock", "{bank}"),
    ("journal", "affected", "{bank}", "--from", "2026-01-30", "--until", "2026-02-02",
     "--out", "{bank}.csv"),
    ("journal", "purge", "{bank}", "--keep-days", "400"),
    ("keys", "export", "{bank}", "--acquirer", "009", "--usage", "mac"),
    ("keys", "generate", "{bank}", "--acquirer", "009", "--usage", "mac", "--replace"),
    ("ledger", "close-year", "{bank}", "2024"),
    ("ledger", "import", "{bank}", "{bank}/sample/participants.csv"),
    ("ledger", "show", "{bank}", "12345678901"),
)  # fmt: skip


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of an older release, and a switch at work with it."""
    folder = outdated(make_folder(tmp_path_factory.mktemp("older")))
    release = lock_folder(folder)
    yield folder
    release()


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_command_leaves_the_files_of_an_older_switch_to_it(
    older: Path, words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A command of the newer release that writes is refused before it has done anything, with what
    to do: it would bring the files up to date under a switch that does not know them so.
    """
    code = main([word.format(bank=older) for word in words])
    said = capsys.readouterr()

    assert (1, "") == (code, said.out)
    assert "is of an older release, and so is journal.db: stop it" in said.err
    assert NEWEST - 1 == version_of(older)
    assert [] == [one for one in older.parent.iterdir() if one.suffix in {".tar", ".csv"}]
