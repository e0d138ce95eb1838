"""The commands that only read, run by somebody who may not write in the data folder."""

import os
import subprocess
from pathlib import Path

import pytest

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.domain.errors import JournalUnavailable
from tests.doubles.served import make_folder, serve
from tests.doubles.suite_canaries import said
from tests.end_to_end.command_line import PROGRAM, SECONDS_MAX, environment

WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()
"""Root may write anywhere, but for one without root's capabilities."""
KPJ, POSTING = "12345678901", ("--kind", "contribution", "--amount", "1.00")
READING = [
    ("journal", "tail"),
    ("journal", "verify"),
    ("audit", "tail"),
    ("audit", "verify"),
    ("events", "tail"),
    ("events", "status"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that was served, with a few rows in its audit."""
    made = make_folder(tmp_path)
    with serve(made) as served:
        assert 0 == served.stop()
    return made


def read_by_others(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one command without the right to write what is read-only."""
    done = subprocess.run(
        [*WITHOUT_RIGHTS, *PROGRAM, *map(str, words)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    said(done.stdout, done.stderr)
    return done


def lock_up(folder: Path) -> None:
    """Make it read-only, without the files that readers who may write left there."""
    for left in (*folder.glob("*.db-wal"), *folder.glob("*.db-shm")):
        assert left.suffix == ".db-shm" or not left.stat().st_size
        left.unlink()
    folder.chmod(0o500)


def left_over(folder: Path) -> None:
    """Lay rows beside the journal that nobody took into it."""
    (folder / "journal.db-wal").write_bytes(b"a row")


def test_journal_of_a_read_only_folder_is_read(folder: Path) -> None:
    """What nobody writes is read as it lies there, and says what it says to its owner."""
    wanted = {words: read_by_owner(*words, folder) for words in READING}
    lock_up(folder)

    found = {words: read_by_others(*words, folder) for words in READING}

    assert wanted == {words: done.stdout for words, done in found.items()}
    assert {(0, "")} == {(done.returncode, done.stderr) for done in found.values()}
    assert not list(folder.glob("*.db-*"))


def read_by_owner(*words: str | Path) -> str:
    """Run one command as the folder's owner."""
    done = read_by_others(*words)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_read_only_folder_of_a_running_switch_is_read(folder: Path) -> None:
    """A switch that runs keeps beside the journal what readers need."""
    with serve(folder):
        folder.chmod(0o500)
        done = read_by_others("journal", "tail", folder)
        folder.chmod(0o700)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("words", "more", "what"),
    [
        (("journal", "tail"), (), "journal.db cannot be read"),
        (("ledger", "show"), (KPJ,), "ledger.db cannot be read"),
        (("ledger", "post"), (KPJ, *POSTING), "ledger.db cannot be opened as a ledger file"),
    ],
)
def test_what_cannot_be_done_there_says_what_to_do(
    folder: Path, words: tuple[str, str], more: tuple[str, ...], what: str
) -> None:
    """Where rows wait beside the file nobody leaves them out: a sentence, not SQLite's words."""
    lock_up(folder)
    folder.chmod(0o700)
    left_over(folder)
    folder.chmod(0o500)

    done = read_by_others(*words, folder, *more)

    assert 1 == done.returncode
    assert 1 == done.stderr.count("\n")
    assert f"{what}: you may not write in {folder}" in done.stderr
    assert done.stderr.endswith("; run this as the user the folder belongs to\n")


def test_file_of_somebody_else_says_what_to_do(folder: Path) -> None:
    """A journal one may not read is said to be one."""
    (folder / "journal.db").chmod(0)

    done = read_by_others("journal", "tail", folder)

    told = "journal.db cannot be read: you may not read it; run this as the user it belongs to"
    assert (1, f"atm-switch: {told}\n") == (done.returncode, done.stderr)


def test_journal_somebody_begins_to_write_is_read_no_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read as it lay there may be neither old nor new then, and is not shown."""
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write, whatever the mode

    with JournalReader(folder / "journal.db") as reader:
        before = reader.last_sequence()
        left_over(folder)

        with pytest.raises(JournalUnavailable, match="somebody has begun to write the journal"):
            reader.last_sequence()
        with pytest.raises(JournalUnavailable, match="somebody has begun to write the journal"):
            reader.tail(before)
