"""A data folder backed up under a running switch, restored, brought up to date."""

import hashlib
import io
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.cli import main
from tests.doubles.served import make_folder, run, serve

APPROVED = ("9990090000000012", "123456")
"""PAN and PIN of the first sample card."""


def inquire(folder: Path, address: str, pin: str) -> str:
    """Ask once and return DE39."""
    done = run(
        "inquire", "--connect", address, "--kit", folder / "terminal-kit.json",
        "--pan", APPROVED[0], "--pin", pin, "--json", module="terminal_emulator",
    )  # fmt: skip
    told: dict[str, dict[str, str]] = json.loads(done.stdout)
    return str(told.get("response_code") or told["response"]["39"])


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, Path]:
    """Give a folder with the sample and a backup of it."""
    folder = make_folder(tmp_path)
    made = run("backup", folder, tmp_path / "kept.tar")
    assert 0 == made.returncode, made.stderr
    return folder, tmp_path / "kept.tar"


def repacked(backup: Path, out: Path, **changed: bytes) -> Path:
    """Write a backup again with the content of some files changed, by the file's stem."""
    with tarfile.open(backup) as tar, tarfile.open(out, "w") as other:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            raw = changed.get(Path(member.name).stem, content.read())
            member.size = len(raw)
            other.addfile(member, io.BytesIO(raw))
    return out


def test_backup_under_a_running_switch_is_a_switch_again(tmp_path: Path) -> None:
    """Tries used before the backup are used in the restored folder; it answers as the first."""
    folder, backup, restored = make_folder(tmp_path), tmp_path / "kept.tar.gz", tmp_path / "again"
    with serve(folder) as served:
        before = [inquire(folder, served.address, pin) for pin in ("000000", "000001")]
        made = run("backup", folder, backup)
    back = run("restore", backup, restored)
    with serve(restored) as served:
        after = [inquire(folder, served.address, pin) for pin in ("000002", APPROVED[1])]

    assert (0, 0) == (made.returncode, back.returncode), made.stderr + back.stderr
    assert ["55", "55"] == before
    assert ["55", "75"] == after
    assert "restore: from a backup made" in run("audit", "tail", restored).stdout
    assert 0 == run("journal", "verify", restored).returncode


def test_backup_holds_no_secret_in_the_clear(kept: tuple[Path, Path]) -> None:
    """Neither the master, nor a key of the kit, nor a sample card's number or PIN is in it."""
    folder, backup = kept
    raw = backup.read_bytes()
    master = next(folder.parent.glob("*.master")).read_bytes().strip()
    kit = json.loads((folder / "terminal-kit.json").read_text())
    keys = [value for value in str(kit).split("'") if len(value) >= 32 and value.isalnum()]

    assert keys
    for secret in (master, APPROVED[0].encode(), *(key.encode() for key in keys)):
        assert secret not in raw
        assert bytes.fromhex(secret.decode()) not in raw
    assert 0o600 == backup.stat().st_mode & 0o777


def test_damaged_backups_make_no_folder(kept: tuple[Path, Path], tmp_path: Path) -> None:
    """A byte changed anywhere in a file's content, or a cut tail, is refused; nothing stays."""
    _, backup = kept
    raw = backup.read_bytes()
    with tarfile.open(backup) as tar:
        places = [member.offset_data + member.size // 2 for member in tar]
    spoilt = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in places]

    for number, content in enumerate([*spoilt, raw[: len(raw) // 2], b"", b"no tar"]):
        (tmp_path / "spoilt.tar").write_bytes(content)
        done = run("restore", tmp_path / "spoilt.tar", tmp_path / f"from-{number}")
        assert 1 == done.returncode, f"number {number}"
        assert "Traceback" not in done.stderr
        assert not (tmp_path / f"from-{number}").exists()
    assert [] == list(tmp_path.glob(".restore-*"))


def forged(backup: Path, out: Path, old: bytes, new: bytes) -> Path:
    """Write a backup again with a word of its settings changed, and the manifest right again."""
    with tarfile.open(backup) as tar:
        head, settings = (
            tar.extractfile(name).read()  # type: ignore[union-attr]
            for name in ("manifest.json", "switch.toml")
        )
    text, _, seal = head.partition(b"\n")
    document = json.loads(text)
    changed = settings.replace(old, new)
    assert changed != settings
    part = next(one for one in document["parts"] if one["name"] == "switch.toml")
    part |= {"size": len(changed), "sha256": hashlib.sha256(changed).hexdigest()}
    manifest = json.dumps(document, sort_keys=True).encode() + b"\n" + seal
    return repacked(backup, out, manifest=manifest, switch=changed)


def test_backup_of_other_hands_is_refused(kept: tuple[Path, Path], tmp_path: Path) -> None:
    """Settings changed and the manifest made right again lack the seal of the folder's keys."""
    _, backup = kept
    other = forged(backup, tmp_path / "forged.tar", b"[ledger]", b"# and more\n[ledger]")

    done = run("restore", other, tmp_path / "forged")

    assert 1 == done.returncode
    assert "not sealed with its own keys" in done.stderr
    assert not (tmp_path / "forged").exists()


@pytest.mark.parametrize(
    "change",
    [
        (b'profile = "bpjstk-jht-v1"', b'profile = "/etc/hostname"'),
        (b"[ledger]\n", b'[ledger]\npath = "elsewhere.db"\n'),
    ],
)
def test_what_settings_name_is_not_looked_at_before_they_are_proved(
    kept: tuple[Path, Path],
    tmp_path: Path,
    change: tuple[bytes, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither a profile's file, wherever it is, nor which databases they want."""
    _, backup = kept
    other = forged(backup, tmp_path / "forged.tar", *change)
    looked_for: list[str] = []
    monkeypatch.setattr("atm_switch.named_files.load_profile", lambda *one: looked_for.append(one))

    code = main(["restore", str(other), str(tmp_path / "forged")])

    assert (1, []) == (code, looked_for)
    assert "not sealed with its own keys" in capsys.readouterr().err


def test_backup_cannot_write_outside_its_folder(kept: tuple[Path, Path], tmp_path: Path) -> None:
    """A manifest that names a way out is refused before anything is written."""
    _, backup = kept
    with tarfile.open(backup) as tar:
        head = tar.extractfile("manifest.json").read()  # type: ignore[union-attr]
    for name in ("../out.toml", "/tmp/out.toml", "a/../../out.toml"):  # noqa: S108 - never written
        way_out = head.replace(b'"switch.toml"', json.dumps(name).encode())
        other = repacked(backup, tmp_path / "out.tar", manifest=way_out)

        done = run("restore", other, tmp_path / "out")

        assert 1 == done.returncode
        assert "no backup of atm-switch" in done.stderr


def test_wrong_places_are_refused_in_a_sentence(kept: tuple[Path, Path], tmp_path: Path) -> None:
    """A file that is there, a folder that is not empty, a missing master: each says what to do."""
    folder, backup = kept
    master = next(tmp_path.glob("*.master"))

    again = run("backup", folder, backup)
    full = run("restore", backup, folder)
    master.rename(tmp_path / "moved")
    lost = run("restore", backup, tmp_path / "again")
    named = run("restore", backup, tmp_path / "again", "--master", tmp_path / "moved")

    assert (1, 1, 1, 0) == tuple(one.returncode for one in (again, full, lost, named))
    assert "name a new file" in again.stderr
    assert "name a folder that does not exist yet" in full.stderr
    assert "--master FILE" in lost.stderr
    assert 0 == run("keys", "list", tmp_path / "again").returncode


def test_older_folder_is_brought_up_to_date(tmp_path: Path) -> None:
    """--check names it and exits 1; migrate tells both versions; afterwards all is well."""
    folder = make_folder(tmp_path)
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        (newest,) = journal.execute("PRAGMA user_version").fetchone()
        journal.executescript(f"DROP TABLE commands; PRAGMA user_version = {newest - 1};")

    before = run("migrate", folder, "--check")
    done = run("migrate", folder)
    after = run("migrate", folder, "--check")

    assert (1, 0, 0) == (before.returncode, done.returncode, after.returncode)
    assert f"journal.db: schema {newest - 1}, wanted {newest}" in before.stderr
    assert f"journal.db: schema {newest}, was {newest - 1}" in done.stdout


def test_folder_that_is_served_is_not_migrated(tmp_path: Path) -> None:
    """The running switch keeps its files: refused, with what to do."""
    folder = make_folder(tmp_path)
    with serve(folder):
        done = run("migrate", folder)

    assert 1 == done.returncode
    assert "stop that one first" in done.stderr
