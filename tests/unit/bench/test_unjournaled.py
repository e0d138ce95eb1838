"""The switch without a journal is one: what durability costs is measured against it."""

from pathlib import Path

import pytest

from atm_switch import journaling
from atm_switch.adapters.journal_reader import JournalReader
from terminal_emulator.load.callers import read_cards
from tests.bench import unjournaled
from tests.bench.hosts import FORGETFUL, running
from tests.doubles.served import make_folder, run


def test_it_answers_and_keeps_nothing(tmp_path: Path) -> None:
    """An inquiry is approved, and the journal's file has no row of it."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    card = read_cards((folder / "sample" / "cards.txt").read_text())[0]

    with running(FORGETFUL, folder, log=tmp_path / "host.log") as host:
        address = f"127.0.0.1:{host.port}"
        words = ("inquire", "--connect", address, "--pan", card.pan)
        asked = run(*words, module="terminal_emulator")

    assert 0 == asked.returncode, asked.stderr
    with JournalReader(folder / "journal.db") as journal:
        assert 0 == journal.last_sequence()


def test_a_switch_with_another_writer_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the switch takes its writer from elsewhere, the run ends and says so."""
    monkeypatch.delattr(journaling, "JournalWriter")

    with pytest.raises(LookupError, match="no JournalWriter"):
        unjournaled.forget()
