"""Claims about the sealed key file, on real files."""

import json
import os
import stat
from pathlib import Path

import pytest

from atm_switch.adapters.key_file import CREDENTIAL, create, load, save
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import LineKey
from atm_switch.security.vault import Vault, pvk_name
from atm_switch.security.vault_document import LAYERS_MAX
from tests.doubles.line_keys import pin_key, with_pin_key

PIN_KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
BANK, ATM = AcquirerId("009"), TerminalId("ATM00001")


@pytest.fixture
def vault() -> Vault:
    """Give a vault of fresh keys with one PIN key."""
    return with_pin_key(Vault.fresh(os.urandom), BANK, None, PIN_KEY)


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
def sealed(key_file: Path, master_file: Path, vault: Vault) -> bytes:
    """Make both files and give the key file's bytes."""
    create(key_file, master_file, vault)
    return key_file.read_bytes()


def mode_of(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def is_single_sentence(error: pytest.ExceptionInfo[Refused]) -> bool:
    """Tell whether the error is one line that says what is wrong and what to do."""
    text = str(error.value)
    return "\n" not in text and ": " in text and not text.endswith(".")


def test_created_file_opens_to_same_vault(key_file: Path, master_file: Path, vault: Vault) -> None:
    """What create seals, load opens."""
    create(key_file, master_file, vault)

    opened = load(key_file, master_file, None)

    assert vault.to_document() == opened.to_document()


@pytest.mark.usefixtures("sealed")
def test_files_are_closed_to_others(key_file: Path, master_file: Path) -> None:
    """The key file has mode 0600, the master 0400, its new folder 0700, whatever the umask."""
    assert 0o600 == mode_of(key_file)
    assert 0o400 == mode_of(master_file)
    assert 0o700 == mode_of(master_file.parent)


@pytest.mark.parametrize("mask", [0, 0o777])
def test_umask_does_not_change_modes(
    key_file: Path, master_file: Path, vault: Vault, mask: int
) -> None:
    """An open or closed umask leaves the modes as they must be."""
    master_file.parent.mkdir()
    before = os.umask(mask)

    try:
        create(key_file, master_file, vault)
    finally:
        os.umask(before)

    assert (0o600, 0o400) == (mode_of(key_file), mode_of(master_file))


def test_sealed_file_shows_no_key(sealed: bytes, master_file: Path, vault: Vault) -> None:
    """Neither a key of the vault nor the master can be read from the key file."""
    document = vault.to_document()
    shown = [name for name, value in document.items() if str(value).encode() in sealed]

    assert ["schema"] == shown
    assert PIN_KEY.reveal().hex().encode() not in sealed
    assert master_file.read_bytes().strip() not in sealed


@pytest.mark.usefixtures("sealed")
def test_nothing_else_is_left_behind(key_file: Path, master_file: Path) -> None:
    """No temporary file stays in either folder."""
    assert [key_file] == list(key_file.parent.iterdir())
    assert [master_file] == list(master_file.parent.iterdir())


@pytest.mark.usefixtures("sealed")
def test_saved_change_is_there_again(key_file: Path, master_file: Path, vault: Vault) -> None:
    """A changed vault replaces the old one, with a nonce of its own and closed to others."""
    before = key_file.read_bytes()
    own_key = Key.from_hex("5CA64B3C22BEC347CA7E6609904BAAED")

    save(key_file, master_file, None, with_pin_key(vault, BANK, ATM, own_key))

    found = pin_key(load(key_file, master_file, None), BANK, ATM)
    assert found is not None
    assert own_key.reveal() == found.reveal()
    assert json.loads(before)["nonce"] != json.loads(key_file.read_bytes())["nonce"]
    assert 0o600 == mode_of(key_file)


@pytest.mark.usefixtures("sealed")
def test_save_survives_an_interrupted_one(key_file: Path, master_file: Path, vault: Vault) -> None:
    """What a killed save left half-written is not in the way of the next."""
    key_file.with_name(key_file.name + ".new").write_bytes(b'{"schema"')

    save(key_file, master_file, None, vault)

    assert [key_file] == list(key_file.parent.iterdir())
    assert vault.to_document() == load(key_file, master_file, None).to_document()


def test_failed_save_keeps_the_old_file(
    sealed: bytes, key_file: Path, master_file: Path, vault: Vault
) -> None:
    """Where the new file cannot be written, the old one stays, and the refusal is clear."""
    key_file.with_name(key_file.name + ".new").mkdir()

    with pytest.raises(Refused, match="cannot be written") as caught:
        save(key_file, master_file, None, vault)

    assert sealed == key_file.read_bytes()
    assert is_single_sentence(caught)


def test_existing_key_file_is_never_overwritten(
    sealed: bytes, key_file: Path, master_file: Path
) -> None:
    """Create refuses where a key file is already."""
    with pytest.raises(Refused, match="exists already") as caught:
        create(key_file, master_file, Vault.fresh(os.urandom))

    assert sealed == key_file.read_bytes()
    assert is_single_sentence(caught)


@pytest.mark.usefixtures("sealed")
def test_existing_master_is_used_not_replaced(
    key_file: Path, master_file: Path, vault: Vault
) -> None:
    """A second key file goes under the same master, which stays byte for byte."""
    master = master_file.read_bytes()
    second = key_file.with_name("second.sealed")

    create(second, master_file, vault)

    assert master == master_file.read_bytes()
    assert vault.to_document() == load(second, master_file, None).to_document()


def test_unusable_existing_master_is_not_replaced(
    key_file: Path, master_file: Path, vault: Vault
) -> None:
    """A file that is no master is neither used nor overwritten."""
    master_file.parent.mkdir()
    master_file.write_bytes(b"something dear to somebody")
    master_file.chmod(0o400)

    with pytest.raises(Refused, match=r"master file .* is damaged"):
        create(key_file, master_file, vault)

    assert b"something dear to somebody" == master_file.read_bytes()
    assert not key_file.exists()


def test_dangling_link_is_not_followed_by_create(
    key_file: Path, master_file: Path, vault: Vault
) -> None:
    """A master's name that is taken by a dead link is refused, not written through."""
    master_file.parent.mkdir()
    master_file.symlink_to(master_file.parent / "elsewhere")

    with pytest.raises(Refused, match="cannot be written"):
        create(key_file, master_file, vault)

    assert [master_file] == list(master_file.parent.iterdir())


def test_master_folder_that_is_a_file_is_refused(
    key_file: Path, tmp_path: Path, vault: Vault
) -> None:
    """A place where no master can be written is refused with what to do."""
    (tmp_path / "file").touch()

    with pytest.raises(Refused, match=r"master file .* cannot be written") as caught:
        create(key_file, tmp_path / "file" / "master", vault)

    assert is_single_sentence(caught)
    assert not key_file.exists()


@pytest.mark.usefixtures("sealed")
def test_credential_stands_in_for_master_file(
    key_file: Path, master_file: Path, tmp_path: Path, vault: Vault
) -> None:
    """With the systemd credential the master file need not be there, to load or to save."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    master_file.rename(credentials / CREDENTIAL)

    save(key_file, master_file, credentials, vault)
    opened = load(key_file, master_file, credentials)

    assert vault.to_document() == opened.to_document()


@pytest.mark.usefixtures("sealed")
def test_credential_comes_before_master_file(
    key_file: Path, master_file: Path, tmp_path: Path
) -> None:
    """Where both are there, the credential counts."""
    (tmp_path / CREDENTIAL).write_text("ab" * 32)
    (tmp_path / CREDENTIAL).chmod(0o400)

    with pytest.raises(Refused, match="sealed under another master"):
        load(key_file, master_file, tmp_path)


@pytest.mark.usefixtures("sealed")
def test_folder_without_credential_changes_nothing(
    key_file: Path, master_file: Path, tmp_path: Path, vault: Vault
) -> None:
    """A credentials folder that holds other things only leaves the master file in charge."""
    opened = load(key_file, master_file, tmp_path)

    assert vault.to_document() == opened.to_document()


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(("mode", "is_fine"), [(0o400, True), (0o440, True), (0o444, False)])
def test_credential_may_show_group_read_only(
    key_file: Path, master_file: Path, tmp_path: Path, mode: int, *, is_fine: bool
) -> None:
    """An access list shows as a group permission, so that passes; others' never does."""
    master_file.rename(tmp_path / CREDENTIAL)
    (tmp_path / CREDENTIAL).chmod(mode)

    if is_fine:
        assert isinstance(load(key_file, master_file, tmp_path), Vault)
    else:
        with pytest.raises(Refused, match="open to others"):
            load(key_file, master_file, tmp_path)


@pytest.mark.usefixtures("sealed")
def test_every_layer_that_may_be_laid_is_kept(
    key_file: Path, master_file: Path, vault: Vault
) -> None:
    """With all the card keys a vault may have, the key file opens to every one."""
    for _ in range(LAYERS_MAX):
        vault = vault.with_card_layer(Key(os.urandom(32)))

    save(key_file, master_file, None, vault)

    assert vault.card_key_ids == load(key_file, master_file, None).card_key_ids


def test_keys_that_would_not_open_are_not_saved(
    sealed: bytes, key_file: Path, master_file: Path, vault: Vault
) -> None:
    """A vault that would be another one when read again leaves the old file as it was."""
    twisted = LineKey(PIN_KEY, "ABCDEF")

    with pytest.raises(Refused, match="left as it was") as caught:
        save(key_file, master_file, None, vault.with_key(pvk_name("2"), twisted))

    assert sealed == key_file.read_bytes()
    assert [key_file] == list(key_file.parent.iterdir())
    assert PIN_KEY.reveal().hex() not in str(caught.value)
    assert is_single_sentence(caught)
