"""Claims about what of a key file is refused: missing, open, damaged, another master's."""

import json
import os
import stat
from pathlib import Path

import pytest

from atm_switch.adapters.key_file import create, load
from atm_switch.domain.errors import Refused
from atm_switch.security.vault import Vault


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Give a place for the key file, in a folder that is there."""
    (tmp_path / "switch").mkdir()
    return tmp_path / "switch" / "keys.sealed"


@pytest.fixture
def master_file(tmp_path: Path) -> Path:
    """Give a place for the master, in a folder that is not there yet."""
    return tmp_path / "vault" / "master"


@pytest.fixture
def sealed(key_file: Path, master_file: Path) -> bytes:
    """Make both files and give the key file's bytes."""
    create(key_file, master_file, Vault.fresh(os.urandom))
    return key_file.read_bytes()


def mode_of(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def is_single_sentence(error: pytest.ExceptionInfo[Refused]) -> bool:
    """Tell whether the error is one line that says what is wrong and what to do."""
    text = str(error.value)
    return "\n" not in text and ": " in text and not text.endswith(".")


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("what", ["key file", "master file"])
def test_missing_file_is_refused(key_file: Path, master_file: Path, what: str) -> None:
    """Each missing file is named, with what to do."""
    (key_file if what == "key file" else master_file).unlink()

    with pytest.raises(Refused, match=f"the {what} .* is missing") as caught:
        load(key_file, master_file, None)

    assert is_single_sentence(caught)


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("what", ["key file", "master file"])
def test_folder_in_place_of_file_is_refused(key_file: Path, master_file: Path, what: str) -> None:
    """A folder where a file should be is refused, with what to do."""
    path = key_file if what == "key file" else master_file
    path.unlink()
    path.mkdir()

    with pytest.raises(Refused, match=f"the {what} .* cannot be read") as caught:
        load(key_file, master_file, None)

    assert is_single_sentence(caught)


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("what", ["key file", "master file"])
@pytest.mark.parametrize("bit", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001])
def test_file_open_to_others_is_refused(
    key_file: Path, master_file: Path, what: str, bit: int
) -> None:
    """One permission bit of group or others is enough to refuse, and is put right by chmod."""
    path = key_file if what == "key file" else master_file
    path.chmod(mode_of(path) | bit)

    with pytest.raises(Refused, match=f"the {what} .* open to others .*chmod go=") as caught:
        load(key_file, master_file, None)

    assert is_single_sentence(caught)


@pytest.mark.usefixtures("sealed")
def test_other_master_is_refused(key_file: Path, tmp_path: Path) -> None:
    """A key file under another master is told apart from a damaged one."""
    other = tmp_path / "other-master"
    create(tmp_path / "other.sealed", other, Vault.fresh(os.urandom))

    with pytest.raises(Refused, match="sealed under another master") as caught:
        load(key_file, other, None)

    assert is_single_sentence(caught)


def test_every_changed_byte_is_refused(sealed: bytes, key_file: Path, master_file: Path) -> None:
    """No byte of the key file can be changed, be it by one bit or in case."""
    opened = []

    for at in range(len(sealed)):
        for mask in (0x01, 0x20, 0xFF):
            changed = sealed[:at] + bytes([sealed[at] ^ mask]) + sealed[at + 1 :]
            key_file.write_bytes(changed)
            try:
                load(key_file, master_file, None)
            except Refused:
                continue
            opened.append((at, mask))

    assert [] == opened


def test_every_cut_or_grown_file_is_refused(
    sealed: bytes, key_file: Path, master_file: Path
) -> None:
    """A key file cut anywhere, or with something after it, is damaged."""
    ends = range(0, len(sealed), 7)
    forms = [sealed[:end] for end in ends] + [
        sealed[:-1],
        sealed + b"\n",
        sealed * 2,
        b" " + sealed,
    ]

    for form in forms:
        key_file.write_bytes(form)
        with pytest.raises(Refused, match=r"is damaged: restore it from its backup$"):
            load(key_file, master_file, None)


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"0" * 63, b"0" * 65, b"0" * 64 + b"\n\n", b"G" * 64, b" " + b"0" * 63, bytes(32)],
)
def test_damaged_master_is_refused_unquoted(
    key_file: Path, master_file: Path, content: bytes
) -> None:
    """A master is 64 hex digits; what else lies there is not quoted."""
    master_file.unlink()
    master_file.write_bytes(content)
    master_file.chmod(0o400)

    with pytest.raises(Refused, match=r"master file .* is damaged") as caught:
        load(key_file, master_file, None)

    assert is_single_sentence(caught)
    assert "0" * 32 not in str(caught.value)
    assert "G" * 32 not in str(caught.value)


@pytest.mark.usefixtures("sealed")
def test_refusal_holds_no_key_anywhere(key_file: Path, master_file: Path) -> None:
    """An error about damage carries no other error that might carry keys."""
    envelope = json.loads(key_file.read_bytes())
    envelope["ciphertext"] = envelope["ciphertext"][:-2]
    key_file.write_text(json.dumps(envelope) + "\n")

    with pytest.raises(Refused, match="is damaged") as caught:
        load(key_file, master_file, None)

    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
