"""The whole flow with the ledger on PostgreSQL: commands write it, a real switch reads it."""

import json
import re
import signal
from pathlib import Path

import pytest

from tests.doubles.postgres import PostgresServer
from tests.doubles.served import Served, make_folder, run, serve

CARD, PIN, KPJ = "9990090000000012", "123456", "12345678901"


@pytest.fixture
def bank(tmp_path: Path, postgres: PostgresServer) -> Path:
    """Make a folder whose members are on PostgreSQL, not in its file."""
    folder = make_folder(tmp_path)
    settings = folder / "switch.toml"
    text = re.sub(r"(?m)^(\[ledger\])$", rf'\1\nurl = "{postgres.empty()}"', settings.read_text())
    if "\nurl = " not in text:
        text += f'\n[ledger]\nurl = "{postgres.empty()}"\n'
    settings.write_text(text)
    sample = folder / "sample"
    for command in (
        ("ledger", "import", folder, sample / "participants.csv", sample / "postings.csv"),
        ("cards", "link", folder, sample / "cards.csv"),
    ):
        done = run(*command)
        assert 0 == done.returncode, done.stderr
    (folder / "ledger.db").unlink()
    return folder


def inquire(folder: Path, served: Served, pin: str = PIN) -> dict[str, object]:
    """Ask for a balance; return what the emulator says of it."""
    done = run(
        *("inquire", "--connect", served.address, "--kit", folder / "terminal-kit.json"),
        *("--pan", CARD, "--pin", pin, "--json"),
        module="terminal_emulator",
    )
    return dict(json.loads(done.stdout))


def test_switch_answers_from_postgres(bank: Path) -> None:
    """The published member's inquiry is 00 with its opening balance; a wrong PIN is 55."""
    with serve(bank) as served:
        right, wrong = inquire(bank, served), inquire(bank, served, "999999")

    assert ("00", "55") == (right["response_code"], wrong["response_code"])
    assert "19.409.470,47" in json.dumps(right)
    assert not (bank / "ledger.db").exists()


def test_books_are_kept_on_postgres(bank: Path) -> None:
    """A posting booked while the switch runs shows in the next inquiry; the books agree."""
    with serve(bank) as served:
        before = inquire(bank, served)
        booked = run("ledger", "post", bank, KPJ, "--kind", "adjustment", "--amount", "1.00")
        after = inquire(bank, served)
    proof = run("ledger", "reconcile", bank)

    assert 0 == booked.returncode, booked.stderr
    assert before["response_code"] == after["response_code"] == "00"
    assert before != after
    assert 0 == proof.returncode, proof.stdout + proof.stderr


def test_statement_is_shown_from_postgres(bank: Path) -> None:
    """``ledger show`` reads the member where the commands wrote it; there is no file."""
    done = run("ledger", "show", bank, KPJ, "--json")

    assert 0 == done.returncode, done.stderr
    assert "19409470.47" == json.loads(done.stdout)["opening"]
    assert not (bank / "ledger.db").exists()


def test_blocked_card_is_62_at_once(bank: Path) -> None:
    """A card blocked at the desk is 62 at its next inquiry, and 00 once unblocked."""
    with serve(bank) as served:
        assert 0 == run("cards", "block", bank, typed=f"{CARD}\n").returncode
        blocked = inquire(bank, served)
        assert 0 == run("cards", "unblock", bank, typed=f"{CARD}\n").returncode
        again = inquire(bank, served)

    assert ("62", "00") == (blocked["response_code"], again["response_code"])


def test_card_key_changes_under_inquiries(bank: Path) -> None:
    """A new card key, SIGHUP, the cards moved: each step leaves the card's inquiry at 00."""
    with serve(bank) as served:
        begun = run("cards", "rotate-key", bank)
        codes = [inquire(bank, served)["response_code"]]
        early = run("cards", "rotate-key", bank)
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("keys reloaded")
        codes.append(inquire(bank, served)["response_code"])
        moved = run("cards", "rotate-key", bank)
        codes.append(inquire(bank, served)["response_code"])

    assert (0, 1, 0) == (begun.returncode, early.returncode, moved.returncode), moved.stderr
    assert "send it SIGHUP" in early.stderr
    assert "cards are under the card key" in moved.stdout
    assert ["00", "00", "00"] == codes
