"""A backup of a folder of an older release: whoever comes meanwhile, and what is held of it."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from atm_switch.adapters.file_copy import Report, copy_database
from atm_switch.adapters.folder_lock import held_at_rest, lock_folder
from atm_switch.cli import main
from tests.doubles.served import make_folder
from tests.end_to_end.test_upgrading import NEWEST, outdated, version_of


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A folder whose journal is of the release before."""
    return outdated(make_folder(tmp_path))


def schema_in(backup: Path) -> int:
    """The schema of the journal in a backup."""
    with tarfile.open(backup) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        schemas = {one["name"]: one["schema"] for one in json.loads(manifest.readline())["parts"]}
    return int(schemas["journal.db"])


def test_backup_holds_the_files_of_the_older_release(older: Path, tmp_path: Path) -> None:
    """As they were before that command brought them up to date to tell the audit of it."""
    code = main(["backup", str(older), str(tmp_path / "bank.tar")])

    assert (0, NEWEST) == (code, version_of(older))
    assert NEWEST - 1 == schema_in(tmp_path / "bank.tar")


def amid_the_copy(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Have something happen before each file is copied."""

    def copied(source: Path, target: Path, report: Report) -> None:
        do()
        copy_database(source, target, report)

    monkeypatch.setattr("atm_switch.backup.copy_database", copied)


def test_switch_may_start_while_the_copy_is_made(
    older: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that takes: the folder is held only to bring its files up to date behind it."""
    begun: list[bool] = []

    def serve_for_a_moment() -> None:
        lock_folder(older)()
        begun.append(True)

    amid_the_copy(monkeypatch, serve_for_a_moment)

    code = main(["backup", str(older), str(tmp_path / "bank.tar")])

    assert (0, [True, True]) == (code, begun)
    assert (NEWEST, NEWEST - 1) == (version_of(older), schema_in(tmp_path / "bank.tar"))


def test_backup_leaves_the_files_to_an_older_switch_that_began_meanwhile(
    older: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is whole, and it is said that the audit was not told."""
    releases: list[Callable[[], None]] = []

    def serve() -> None:
        if not releases:
            releases.append(lock_folder(older))

    amid_the_copy(monkeypatch, serve)

    code = main(["backup", str(older), str(tmp_path / "bank.tar")])
    releases[0]()
    said = capsys.readouterr()

    assert (1, "", NEWEST - 1) == (code, said.out, version_of(older))
    assert "is made and whole, but no record of it: another atm-switch serves" in said.err
    assert NEWEST - 1 == schema_in(tmp_path / "bank.tar")


@pytest.mark.parametrize("words", [("migrate",), ("acquirer", "add")], ids=" ".join)
def test_command_beside_one_that_brings_the_files_up_to_date_is_told_so(
    older: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """No switch serves the folder, and nobody is to stop one."""
    rest = ("014", "--name", "BANK LAIN") if len(words) > 1 else ()
    with held_at_rest(older):
        code = main([*words, str(older), *rest])
    said = capsys.readouterr().err

    assert (1, NEWEST - 1) == (code, version_of(older))
    assert "a command brings the files of" in said
    assert "stop" not in said
