"""Which files the settings name: no key that names one is forgotten, no secret is handed out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from atm_switch.domain.errors import Refused
from atm_switch.folder import DataFolder, profile_of
from atm_switch.named_files import (
    KINDS,
    SECRET,
    Kind,
    contents,
    left_out,
    named_files,
    require_held,
    require_inside,
    require_whole,
)
from atm_switch.profile.load import ProfileWrong
from atm_switch.settings import shapes
from atm_switch.settings.load import read_settings
from atm_switch.settings.model import Settings

NO_FILE = {
    "acquirers.name", "events.username",  # any text
    "ledger.url", "journal.url", "journal.writer",  # of files they only speak
}  # fmt: skip
OUT = "leads out of the folder"
BARE = """
schema = 1
[[listeners]]
listen = "127.0.0.1:0"
[[acquirers]]
id = "009"
name = "BANK CONTOH"
"""


def folder_of(root: Path, more: str = "") -> DataFolder:
    """Give a folder with these settings besides the least."""
    return DataFolder(root, read_settings(BARE + more))


def keys() -> Iterator[tuple[str, FieldInfo]]:
    """Give every key of every section of the settings."""
    for section, about in Settings.model_fields.items():
        for kind in (about.annotation, *get_args(about.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                for key, field in kind.model_fields.items():
                    yield f"{section}.{key}", field


def may_name_a_file(field: FieldInfo) -> bool:
    """Tell whether a key takes any text or any path, or its meaning speaks of files."""
    judged = [one.func for one in field.metadata if isinstance(one, AfterValidator)]
    is_free = field.annotation is str and not set(judged) - {shapes._no_way_out}
    return is_free or re.search(r"\b(files?|paths?)\b", field.description or "") is not None


def test_every_key_that_names_a_file_is_known() -> None:
    """A new one that takes any text, or speaks of a file, has a kind or is said to be none."""
    known = {f"{section}.{key}" for section, kinds in KINDS.items() for key in kinds}

    assert known | NO_FILE == {name for name, field in keys() if may_name_a_file(field)}
    assert not known & NO_FILE


def test_every_key_and_password_is_secret() -> None:
    """What is named a key's or a password's file by its key is of a kind that is never copied."""
    secret = {
        f"{section}.{key}"
        for section, kinds in KINDS.items()
        for key, kind in kinds.items()
        if kind in SECRET
    }

    assert {
        "listeners.tls_key", "lines.tls_key", "hsm.tls_key", "events.tls_key",
        "events.password_file", "keys.master_file",
    } == secret  # fmt: skip


def test_file_with_a_private_key_is_not_handed_out(tmp_path: Path) -> None:
    """Neither one that is named as the key as well, nor one whose content says so."""
    folder = folder_of(
        tmp_path,
        '[events]\nbroker = "mqtts://broker.example"\ntls_ca = "./both.pem"\n'
        'tls_certificate = "certificate.pem"\ntls_key = "certificate.pem"\n',
    )
    (tmp_path / "switch.toml").write_text("")
    (tmp_path / "certificate.pem").write_text("no word of a key")
    (tmp_path / "both.pem").write_text("-----BEGIN EC PRIVATE KEY-----\n")

    handed_out = dict(contents(folder))

    assert ["switch.toml"] == list(handed_out)
    left = left_out(folder, frozenset(handed_out))
    assert "the TLS key certificate.pem" in left
    assert "the file both.pem, which events.tls_ca names and which holds a private key" in left


def test_what_is_missing_or_outside_is_said_with_its_key(tmp_path: Path) -> None:
    """The master first; two listeners with one file are no matter."""
    folder = folder_of(
        tmp_path,
        '[[listeners]]\nlisten = "127.0.0.1:9"\nprofile = "../far.toml"\n'
        '[events]\ntls_ca = "ca.pem"\n[ledger]\nrates = "/srv/rates.csv"\n',
    )

    assert (
        "the master file ../switch.master",
        "the profile ../far.toml, which listeners[2].profile names outside the folder",
        "the file /srv/rates.csv, which ledger.rates names outside the folder",
        "the file ca.pem, which events.tls_ca names and which is not there",
    ) == left_out(folder, frozenset({"switch.toml", "ledger.db", "journal.db", "keys.sealed"}))


def test_profile_leads_to_those_it_extends(tmp_path: Path) -> None:
    """By the path from the folder, however many; one that ships is no file, nor what is wrong."""
    (tmp_path / "own.toml").write_text('extends = "./banks/base.toml"\n')
    (tmp_path / "banks").mkdir()
    (tmp_path / "banks" / "base.toml").write_text('extends = "bpjstk-jht-v1"\nname = "base"\n')
    (tmp_path / "round.toml").write_text('extends = "gone.toml"\n')
    folder = folder_of(
        tmp_path,
        '[[listeners]]\nlisten = "127.0.0.1:9"\nprofile = "own.toml"\n'
        '[[lines]]\nconnect = "127.0.0.1:8600"\nacquirer = "009"\nprofile = "round.toml"\n',
    )

    found = [one.name for one in named_files(folder) if one.kind is Kind.PROFILE]

    assert ["own.toml", "banks/base.toml", "round.toml", "gone.toml"] == found


def test_databases_on_postgresql_are_named_with_their_place(tmp_path: Path) -> None:
    """And what their addresses name; neither the user nor the rest of the address."""
    folder = folder_of(
        tmp_path,
        '[ledger]\nurl = "postgresql://atm@db.example:5433/jht?sslmode=verify-full'
        '&sslrootcert=/etc/ca.pem"\n'
        '[journal]\nurl = "postgresql:///journal?host=/run/postgresql"\n',
    )

    left = left_out(folder, frozenset({"switch.toml", "keys.sealed"}))

    assert (
        "the master file ../switch.master",
        "the ledger on PostgreSQL: database jht at db.example:5433",
        "the journal on PostgreSQL: database journal at /run/postgresql",
        "the file /etc/ca.pem, which ledger.url names (sslrootcert)",
    ) == left


@pytest.mark.parametrize(
    ("more", "key", "what"),
    [
        ('[ledger]\npath = "../ledger.db"\n', "ledger.path", OUT),
        ('[journal]\npath = "/srv/journal.db"\n', "journal.path", OUT),
        ('[keys]\nfile = "../keys.sealed"\n', "keys.file", OUT),
        ('[ledger]\npath = "a/../ledger.db"\n', "ledger.path", 'has ".." in it.*'),
    ],
)
def test_folder_whose_heart_lies_outside_is_refused(
    tmp_path: Path, more: str, key: str, what: str
) -> None:
    """A copy of the folder would be none; the key is named, and what is wrong with the path."""
    folder = folder_of(tmp_path, more)

    with pytest.raises(Refused, match=rf"^{key} = .* {what}, and a backup would be"):
        require_inside(folder)


def test_what_is_held_must_make_a_folder(tmp_path: Path) -> None:
    """Each database and the key file, by the names the settings have for them."""
    folder = folder_of(tmp_path, '[ledger]\npath = "./ledger.db"\n')
    held = {"ledger.db", "journal.db", "keys.sealed"}

    require_held(folder, frozenset(held | {"switch.toml"}))
    for name in held:
        with pytest.raises(Refused, match=f"without the .* {name}, which .* the environment"):
            require_held(folder, frozenset(held | {"switch.toml"}) - {name})
    with pytest.raises(Refused, match=r"^the backup is without switch.toml, and no folder"):
        require_held(folder, frozenset(held))


def test_what_an_older_release_left_out_is_told_as_that(tmp_path: Path) -> None:
    """No environment brings a ledger back that was outside: its key is named, and a way."""
    folder = folder_of(tmp_path, '[ledger]\npath = "../ledger.db"\n')

    with pytest.raises(Refused, match=r"ledger.path names it by a path that leads elsewhere") as no:
        require_held(folder, frozenset({"switch.toml", "journal.db", "keys.sealed"}))

    assert "environment" not in str(no.value)
    assert "unpack the backup with tar into a new folder" in str(no.value)


def test_path_that_comes_back_into_the_folder_is_not_called_outside(tmp_path: Path) -> None:
    """It is said what it is, by the folder's name and by the place a link of it means."""
    (tmp_path / "bank").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "bank")
    for root in (tmp_path / "bank", tmp_path / "link"):
        folder = folder_of(
            root,
            f'[ledger]\nrates = "{tmp_path}/bank/rates.csv"\n[events]\ntls_ca = "a/../ca.pem"\n',
        )

        left = left_out(
            folder, frozenset({"switch.toml", "ledger.db", "journal.db", "keys.sealed"})
        )

        rates, ca = f"the file {tmp_path}/bank/rates.csv", "the file a/../ca.pem"
        why = "which a folder at another place cannot follow"
        assert (
            "the master file ../switch.master",
            f"{rates}, which ledger.rates names by a path that is absolute, {why}",
            f'{ca}, which events.tls_ca names by a path that has ".." in it, {why}',
        ) == left


@pytest.mark.parametrize("name", ["switch.toml", "keys.sealed", "own.toml"])
def test_what_a_folder_needs_is_never_left_out(tmp_path: Path, name: str) -> None:
    """A comment that looks like a key in the settings made a backup that nobody could restore."""
    folder = folder_of(tmp_path, '[[listeners]]\nlisten = "127.0.0.1:9"\nprofile = "own.toml"\n')
    for one in ("switch.toml", "keys.sealed", "own.toml"):
        (tmp_path / one).write_text("")
    require_whole(folder)

    (tmp_path / name).write_text("# -----BEGIN PRIVATE KEY-----\n")

    with pytest.raises(Refused, match=f"without the .* {name}: it holds the line .* take the key"):
        require_whole(folder)


def test_settings_that_are_named_as_a_secret_too_are_refused(tmp_path: Path) -> None:
    """They were left out as that secret is."""
    folder = folder_of(tmp_path, '[keys]\nmaster_file = "switch.toml"\n')
    (tmp_path / "switch.toml").write_text("")

    with pytest.raises(Refused, match=r"the settings switch.toml, which is named as a secret"):
        require_whole(folder)


@pytest.mark.parametrize(
    "text", ["extends = 5", r'extends = "a\u0000.toml"', "extends = ", "\udcff"]
)
def test_profile_that_does_not_say_what_it_extends_is_refused(tmp_path: Path, text: str) -> None:
    """A number there ended in a traceback; what it may have meant would be missing."""
    folder = folder_of(tmp_path, '[[listeners]]\nlisten = "127.0.0.1:9"\nprofile = "own.toml"\n')
    (tmp_path / "own.toml").write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(Refused, match=r"^the profile own.toml, which listeners\[2\].profile names"):
        require_whole(folder)
    with pytest.raises(ProfileWrong):
        profile_of("own.toml", tmp_path)


def test_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name: it is not taken for one that is not there."""
    (tmp_path / "switch.toml").write_text("")

    def fail(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", fail)

    with pytest.raises(Refused, match=r"^switch.toml cannot be read: Permission denied$"):
        list(contents(folder_of(tmp_path)))
