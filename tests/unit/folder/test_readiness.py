"""What is refused before the first connection: each thing missing, with what to do."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant
from atm_switch.domain.secret import Key
from atm_switch.folder import DataFolder, open_folder
from atm_switch.founding import Wishes, init
from atm_switch.profile.shipped import profile_text
from atm_switch.readiness import refuse_what_cannot_work
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.vault import Vault

NOON = Instant(datetime(2026, 6, 30, 5, tzinfo=UTC), 0.0)
BANK = AcquirerId("009")
KNOWN = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
HOST = '\n[hsm]\nengine = "host"\naddresses = ["127.0.0.1:1500"]\n'


def made(path: Path, mac: str = "required") -> DataFolder:
    """Make a folder."""
    return init(path / "bank", Wishes(mac=mac), lambda: NOON, os.urandom)


def without(vault: Vault, *usages: KeyUsage) -> Vault:
    """Take keys out of a vault."""
    kept = {name: one for name, one in vault.keys.items() if name.usage not in usages}
    return Vault(vault.pan_key, vault.person_key, vault.fingerprint_key, vault.sealing_key, kept)


def in_production(folder: DataFolder) -> DataFolder:
    """Have the folder's settings say production, with a hardware HSM."""
    settings = folder.root / "switch.toml"
    text = settings.read_text().replace('mode = "lab"', 'mode = "production"')
    settings.write_text(text + HOST)
    return open_folder(folder.root)


def under_master_key(vault: Vault, check: str = "ABCDEF") -> Vault:
    """Turn every key into a token of an HSM."""
    for name in vault.keys:
        vault = vault.with_key(name, LineKey(Key(b"U" + b"0" * 32), check, is_clear=False))
    return vault


def test_fresh_folder_is_ready(tmp_path: Path) -> None:
    """What init makes can be served."""
    folder = made(tmp_path)

    refuse_what_cannot_work(folder, folder.vault())


def test_every_missing_key_is_named_at_once(tmp_path: Path) -> None:
    """A bank without the keys its policy needs is told of each, and of the command."""
    folder = made(tmp_path)

    with pytest.raises(Refused) as caught:
        refuse_what_cannot_work(folder, without(folder.vault(), KeyUsage.PIN, KeyUsage.MAC))

    assert 'pin = "issuer" but no PIN key' in str(caught.value)
    assert 'mac = "required" but no MAC key' in str(caught.value)
    assert 2 == str(caught.value).count("atm-switch acquirer add")


def test_key_nobody_needs_may_be_missing(tmp_path: Path) -> None:
    """Without MACs there need be no MAC key and no exchange key."""
    folder = made(tmp_path, mac="off")

    refuse_what_cannot_work(folder, without(folder.vault(), KeyUsage.MAC, KeyUsage.EXCHANGE))


def test_known_test_key_is_for_the_lab(tmp_path: Path) -> None:
    """
    A key of a manual is served in the lab and refused in production, by name, also where it is
    the one before a change.
    """
    folder = made(tmp_path)
    name = KeyName(KeyUsage.MAC, BANK)
    known = LineKey.clear(KNOWN)
    refuse_what_cannot_work(folder, folder.vault().with_key(name, known))
    tokens = under_master_key(folder.vault())
    bad = tokens.with_key(name, LineKey(Key(b"U" + b"1" * 32), known.check, is_clear=False))

    production = in_production(folder)
    refuse_what_cannot_work(production, tokens)
    with pytest.raises(Refused, match="the key mac 009 is a publicly known test key"):
        refuse_what_cannot_work(production, bad)

    ladder = bad.keys[name].received(tokens.keys[name].in_use)
    with pytest.raises(Refused, match="the key mac 009 is a publicly known test key"):
        refuse_what_cannot_work(production, bad.with_ladder(name, ladder))


def test_keys_must_be_in_the_engines_custody(tmp_path: Path) -> None:
    """Clear keys with a hardware HSM, or tokens without one, are refused key by key."""
    folder = made(tmp_path)
    clear, tokens = folder.vault(), under_master_key(folder.vault())

    with pytest.raises(Refused, match="under an HSM's master key"):
        refuse_what_cannot_work(folder, tokens)
    with pytest.raises(Refused, match="is in the clear; install it"):
        refuse_what_cannot_work(in_production(folder), clear)


def test_profile_must_have_a_place_for_the_mac(tmp_path: Path) -> None:
    """A dialect without DE128 cannot carry the MACs the settings require."""
    folder = made(tmp_path)
    text = profile_text("bpjstk-jht-v1").replace(", 128", "")
    short = "\n".join(line for line in text.splitlines() if not line.startswith("128 ="))
    (folder.root / "short.toml").write_text(short)
    settings = folder.root / "switch.toml"
    settings.write_text(settings.read_text().replace('"bpjstk-jht-v1"', '"short.toml"'))

    with pytest.raises(Refused, match="has no element 128; add it"):
        refuse_what_cannot_work(open_folder(folder.root), folder.vault())
