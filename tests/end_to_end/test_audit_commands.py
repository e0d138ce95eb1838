"""``atm-switch audit`` as an operator types it."""

import json
import re
import select
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.schema import open_writer
from tests.end_to_end.command_line import PROGRAM, CommandLine, environment

PAN = "9990090000000012"
SECONDS_MAX = 90


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    """Give a way to run one command in an empty folder of its own."""
    return CommandLine(tmp_path)


@pytest.fixture
def bank(run: CommandLine, tmp_path: Path) -> Path:
    """Give a data folder in which one card was unblocked twice."""
    assert 0 == run("init", "bank").returncode
    for _ in range(2):
        unblock(run)
    return tmp_path / "bank"


def unblock(run: CommandLine) -> None:
    """Do what leaves a record."""
    done = run("cards", "unblock", "bank", stdin=f"{PAN}\n")
    assert 0 == done.returncode, done.stderr


def tamper(bank: Path, *statements: str) -> None:
    """Work on the journal's file by hand."""
    with closing(sqlite3.connect(bank / "journal.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def head_of(run: CommandLine) -> str:
    """Return the head that ``audit verify`` prints."""
    found = re.search(
        r"^head ([0-9]+:[0-9a-f]{16})$", run("audit", "verify", "bank").stdout, re.MULTILINE
    )
    assert found is not None
    return found[1]


def exported(run: CommandLine) -> list[dict[str, object]]:
    """Return every record of ``audit export``."""
    done = run("audit", "export", "bank")
    assert 0 == done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_command_leaves_a_masked_record(run: CommandLine, bank: Path) -> None:
    """Who unblocked which card stands in the audit, the card masked there as everywhere."""
    told = run("audit", "tail", "bank", "-n", "1", "--json")

    (record,) = [json.loads(line) for line in told.stdout.splitlines()]

    assert ("command", "card 999009******0012") == (record["kind"], record["subject"])
    assert re.fullmatch(r"user \S+ \(uid [0-9]+\)", record["actor"])
    assert re.fullmatch(r"[-0-9]{10}T[0-9:]{8}\.[0-9]{6}Z", record["at"])
    assert PAN.encode() not in b"".join(path.read_bytes() for path in bank.glob("journal.db*"))


def test_tail_prints_records_for_people(run: CommandLine, bank: Path) -> None:
    """A heading, then the last records, oldest first, a line each."""
    lines = run("audit", "tail", str(bank), "-n", "2").stdout.splitlines()

    assert 3 == len(lines)
    assert lines[0].startswith("written (WIB)")
    assert all("command" in line and "no more" not in line for line in lines[1:])
    assert lines[-1].endswith("card 999009******0012: unblocked, 0 used PIN tries cleared")


def test_sound_audit_prints_its_head(run: CommandLine, bank: Path) -> None:
    """A sound audit exits 0 and prints a head, which grows with each record."""
    first = head_of(run)

    unblock(run)
    second = head_of(run)

    assert (bank / "journal.db").is_file()
    assert int(first.split(":")[0]) + 1 == int(second.split(":")[0])
    assert first.split(":")[1] != second.split(":")[1]


def test_noted_head_is_still_there_later(run: CommandLine, bank: Path) -> None:
    """A head noted before more was written is still found."""
    noted = head_of(run)
    unblock(run)

    done = run("audit", "verify", str(bank), "--expect", noted)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_file_set_back_is_found_by_its_noted_head(run: CommandLine, bank: Path) -> None:
    """The whole file replaced by an older copy: sound in itself, not with the noted head."""
    older = (bank / "journal.db").read_bytes()
    unblock(run)
    noted = head_of(run)
    (bank / "journal.db").write_bytes(older)

    plain = run("audit", "verify", "bank")
    expecting = run("audit", "verify", "bank", "--expect", noted)

    assert (0, 1) == (plain.returncode, expecting.returncode)
    assert "noted head missing" in expecting.stdout


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TRIGGER audit_rows_are_not_changed", "UPDATE audit_rows SET actor = 'nobody'"],
        ["DROP TRIGGER audit_rows_are_not_deleted", "DELETE FROM audit_rows WHERE seq = 1"],
        ["UPDATE audit_head SET seq = 1"],
        ["DROP TRIGGER audit_rows_follow_each_other"],
        ["DROP TABLE audit_rows", "DROP TABLE audit_head", "PRAGMA user_version = 1"],
    ],
    ids=["edited", "deleted", "head", "guard", "downgraded"],
)
def test_tampering_fails_the_check(run: CommandLine, bank: Path, statements: Sequence[str]) -> None:
    """What was tampered with exits 1 in a sentence, prints no head and no traceback."""
    tamper(bank, *statements)

    done = run("audit", "verify", "bank")

    assert 1 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "head " not in done.stdout.replace("wrong head", "")


@pytest.mark.parametrize("text", ["7", "7:xyz", f"{PAN}:1"])
def test_wrong_noted_head_is_misuse(run: CommandLine, bank: Path, text: str) -> None:
    """What is no noted head is wrong usage, and a number put in by mistake is not shown."""
    done = run("audit", "verify", str(bank), "--expect", text)

    assert 2 == done.returncode
    assert PAN not in done.stderr


def test_export_gives_every_record_linked(run: CommandLine, bank: Path) -> None:
    """Every record, oldest first, each with its link; the last one's is the head's."""
    records = exported(run)

    seqs = [record["seq"] for record in records]
    seq, digits = head_of(run).split(":")

    assert bank.is_dir()
    assert list(range(1, len(records) + 1)) == seqs
    assert int(seq) == seqs[-1]
    assert str(records[-1]["link"]).startswith(digits)


def test_terminal_codes_in_a_row_stay_harmless(run: CommandLine, bank: Path) -> None:
    """A row that was tampered with cannot speak to the terminal of who looks at it."""
    tamper(
        bank,
        "DROP TRIGGER audit_rows_are_not_changed",
        "UPDATE audit_rows SET detail = char(27) || '[2Jgone', at = 9223372036854775807",
    )

    shown = run("audit", "tail", "bank")

    assert 0 == shown.returncode, shown.stderr
    assert "\x1b" not in shown.stdout
    assert "?[2Jgone" in shown.stdout


def test_follow_prints_what_comes(run: CommandLine, bank: Path) -> None:
    """``--follow`` prints a record that is written while it looks."""
    with subprocess.Popen(
        [*PROGRAM, "audit", "tail", str(bank), "-n", "0", "--follow", "--json"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        # until it has its place, records go by; it prints the first written after that
        while following.poll() is None and not (line := _line_of(following, run)):
            pass
        following.terminate()

    assert "card 999009******0012" == json.loads(line)["subject"]


def _line_of(following: "subprocess.Popen[str]", run: CommandLine) -> str:
    """Leave a record, and return the first line there is by then, or nothing."""
    assert following.stdout is not None
    unblock(run)
    ready, _, _ = select.select([following.stdout], [], [], 1.0)
    return following.stdout.readline() if ready else ""


def test_audit_not_begun_is_not_sound(run: CommandLine, bank: Path) -> None:
    """A journal that no command and no switch has worked with has no head, and says so."""
    for path in bank.glob("journal.db*"):
        path.unlink()
    with closing(open_writer(bank / "journal.db", "journal")):
        pass

    done = run("audit", "verify", "bank")

    assert (1, "wrong head\n") == (done.returncode, done.stdout)
    assert "has not begun" in done.stderr


def test_help_shows_examples() -> None:
    """Each command of the audit has its help, with an example to copy."""
    for words in (("tail",), ("verify",), ("export",), ()):
        done = subprocess.run(
            [sys.executable, "-m", "atm_switch", "audit", *words, "--help"],
            env=environment(), capture_output=True, text=True, check=True, timeout=SECONDS_MAX,
        )  # fmt: skip

        assert "atm-switch audit" in done.stdout
