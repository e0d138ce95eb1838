"""The figure of an upgrade is taken on a journal that is as a switch would have written it.

The long form is ``python -m tests.figures.journal_migrating``.
"""

from pathlib import Path

import pytest

from atm_switch.adapters.file_copy import schema_of
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.schema import migrations_of
from atm_switch.folder import open_folder
from tests.figures.journal_migrating import measured


def test_measured_journal_is_sound_and_brought_up_to_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row is there, in its chain, and every A has its B."""
    (newest, _), (last, _) = migrations_of("journal")[-1], migrations_of("journal")[-2]

    measured(tmp_path, 600)

    said, folder = capsys.readouterr().out, open_folder(tmp_path / "bank")
    with JournalReader(folder.journal) as journal:
        found = journal.verify(folder.vault())
    assert (600, (), ()) == (found.rows, found.findings, found.in_doubt)
    assert newest == schema_of(folder.journal)
    assert f"schema   {last} to {newest} in " in said
