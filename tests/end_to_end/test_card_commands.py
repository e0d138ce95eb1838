"""Cards from the command line: what was said at the desk outlives every file."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.doubles.ledger_bench import BUDI_ROW, CARDS, OTHER_PAN, PAN, PARTICIPANTS
from tests.end_to_end.command_line import CommandLine

if TYPE_CHECKING:
    import subprocess

NO_PVV = f"{CARDS}{PAN},{{expiry}},12345678901,,,active\n"


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """Lend a folder ``bank`` whose bank verifies its PINs itself, with one member's card."""
    line = CommandLine(tmp_path)
    assert 0 == line("init", "bank", "--pin", "acquirer").returncode
    (tmp_path / "participants.csv").write_text(PARTICIPANTS + BUDI_ROW)
    assert 0 == line("ledger", "import", "bank", "participants.csv").returncode
    linked = link(line, "2812")
    assert (0, False) == (linked.returncode, "warning" in linked.stderr), "no PIN is verified here"
    return line


def link(command: CommandLine, expiry: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Link the card with another expiry."""
    (command.folder / "cards.csv").write_text(NO_PVV.format(expiry=expiry))
    return command("cards", "link", "bank", "cards.csv", *options)


def test_file_undoes_nothing_that_was_said_at_the_desk(command: CommandLine) -> None:
    """
    A withdrawal and a block stand after another file, which is told of both.
    """
    withdrawn = ("cards", "consent", "bank", "--withdrawn", "--evidence", "letter 7")
    assert 0 == command(*withdrawn, stdin=PAN).returncode
    assert 0 == command("cards", "block", "bank", stdin=PAN).returncode

    again = link(command, "3001")
    shown = command("cards", "show", "bank", stdin=PAN).stdout

    assert (0, 2) == (again.returncode, again.stderr.count("stays so until atm-switch cards"))
    assert "expiry 3001" in shown
    assert "consent      withdrawn on" in shown
    assert "evidence     letter 7" in shown
    assert "status       blocked" in shown


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("block",), ""),
        (("unlink",), ""),
        (("consent", "--withdrawn", "--evidence", "letter 7"), ""),
        (("replace", "--expiry", "3001"), ""),
        (("forget",), "unlinked_on = '2025-01-02'"),
        (("unblock",), "status = 'blocked', blocked_on = '2025-01-02'"),
    ],
)
def test_nothing_is_done_that_the_audit_cannot_hear(
    command: CommandLine, words: tuple[str, ...], state: str
) -> None:
    """
    With a journal that cannot be written every command of the desk fails and changes nothing.
    """
    name, *options = words
    with closing(sqlite3.connect(command.folder / "bank" / "ledger.db")) as ledger:
        if state:
            ledger.execute(f"UPDATE cards SET {state}")  # noqa: S608 - of this test
            ledger.commit()
        before = ledger.execute("SELECT * FROM cards").fetchall()
        (command.folder / "bank" / "journal.db").write_bytes(b"no journal " * 1_000)

        told = command("cards", name, "bank", *options, stdin=f"{PAN}\n{OTHER_PAN}\n")

        assert (1, "") == (told.returncode, told.stdout)
        assert "journal" in told.stderr
        assert before == ledger.execute("SELECT * FROM cards").fetchall()


def test_unlinked_card_is_linked_again_with_a_word(command: CommandLine) -> None:
    """
    Without ``--relink`` the card stays unlinked, and the warning names the option.
    """
    assert 0 == command("cards", "unlink", "bank", stdin=PAN).returncode

    without, word = link(command, "3001"), link(command, "3002", "--relink")
    shown = command("cards", "show", "bank", stdin=PAN).stdout

    assert "--relink links it again" in without.stderr
    assert "1 updated" in word.stdout
    assert "unlinked on" not in shown


def test_consent_of_a_day_to_come_is_refused(command: CommandLine) -> None:
    """
    Neither given nor withdrawn ahead of time.
    """
    for said in ("--given", "--withdrawn"):
        words = ("cards", "consent", "bank", said, "--evidence", "form 1", "--on", "2999-01-01")
        refused = command(*words, stdin=PAN)

        assert 1 == refused.returncode
        assert "2999-01-01 is still to come" in refused.stderr
