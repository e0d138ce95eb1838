"""Which files the settings of a data folder name, and what of them may be kept elsewhere.

Plan: ``KINDS`` knows every key that names a file.  What is secret is never handed out, nor
what no longer says where it belongs in another folder; everything else is, as it is now.  A
profile's file leads to those it extends, as whoever loads it finds them.  What a folder
cannot do without is handed out or refused, never left out.
Limits: what no key names - a lab's kit and sample, a terminal's own files - is not known here.
Why files are looked into: a PEM file may hold its private key beside the certificate.
"""

import os
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from atm_switch.domain.errors import Refused
from atm_switch.folder import DataFolder, is_shipped
from atm_switch.profile.load import ProfileWrong, load_profile
from atm_switch.profile.shipped import profile_text
from atm_switch.settings.load import FILE_NAME
from atm_switch.settings.problems import written


class Kind(StrEnum):
    """What a key names."""

    SETTINGS = "the settings"
    DATABASE = "the database"
    KEYS = "the sealed keys"
    PROFILE = "the profile"
    OPEN = "the file"
    MASTER = "the master file"
    TLS_KEY = "the TLS key"
    PASSWORD = "the password file"  # noqa: S105 - a word for one


_BY_TLS: Final = {"tls_ca": Kind.OPEN, "tls_certificate": Kind.OPEN, "tls_key": Kind.TLS_KEY}
KINDS: Final = MappingProxyType(
    {
        "listeners": {
            "profile": Kind.PROFILE, "tls_certificate": Kind.OPEN, "tls_key": Kind.TLS_KEY,
            "tls_client_ca": Kind.OPEN, "tls_crl": Kind.OPEN,
        },
        "lines": {"profile": Kind.PROFILE, **_BY_TLS},
        "ledger": {"path": Kind.DATABASE, "rates": Kind.OPEN},
        "journal": {"path": Kind.DATABASE},
        "keys": {"file": Kind.KEYS, "master_file": Kind.MASTER},
        "hsm": _BY_TLS,
        "events": {"password_file": Kind.PASSWORD, **_BY_TLS},
    }
)  # fmt: skip
"""Of each section the keys that name a file."""

SECRET: Final = frozenset({Kind.MASTER, Kind.TLS_KEY, Kind.PASSWORD})
NEEDED: Final = frozenset({Kind.SETTINGS, Kind.DATABASE, Kind.KEYS})
"""Without these a folder is none."""
WHOLE: Final = frozenset({Kind.SETTINGS, Kind.KEYS, Kind.PROFILE})
"""These are in a backup of their folder, or there is none."""

_URLS: Final = (("ledger", "url"), ("ledger", "read_url"), ("journal", "url"))
_OF_URLS: Final = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"})
"""What of a PostgreSQL address names a file, by the folder the switch is started in."""
_PRIVATE: Final = b"PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Named:
    """A file: what it is, its path as the settings have it, and the key that says so."""

    kind: Kind
    name: str
    key: str

    @property
    def is_inside(self) -> bool:
        """Whether it lies in the folder, wherever that is."""
        return is_inside(self.name)


def is_inside(name: str) -> bool:
    """Tell whether a name stays in the folder it is relative to."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and name == str(path)


def named_files(folder: DataFolder) -> Iterator[Named]:
    """Name every file the settings speak of, and the settings; no database on PostgreSQL."""
    for one in _as_set(folder):
        if one.kind is Kind.PROFILE:
            files = _profile_files(folder, one.name)
            yield from (Named(one.kind, name, one.key) for name in files)
        else:
            yield one


def _as_set(folder: DataFolder) -> Iterator[Named]:
    """Name what the settings themselves do, a profile by its name; no file is opened."""
    yield Named(Kind.SETTINGS, FILE_NAME, "every folder")
    for section, kinds in KINDS.items():
        tables = getattr(folder.settings, section)
        for at, table in enumerate(tables) if isinstance(tables, tuple) else [(None, tables)]:
            place = (section,) if at is None else (section, at)
            for key, kind in kinds.items():
                name, said = getattr(table, key), written((*place, key))
                if kind is Kind.PROFILE:
                    yield Named(kind, name, said)
                elif name and not (kind is Kind.DATABASE and table.url):
                    yield Named(kind, _plain(name), said)


def contents(folder: DataFolder) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file, but databases, that may be kept elsewhere.

    Raises ``Refused`` for one that is there and cannot be read, and for one of ``WHOLE`` that
    may not be kept elsewhere.
    """
    named = [one for one in named_files(folder) if one.is_inside]
    closed = {one.name for one in named if one.kind in SECRET | {Kind.DATABASE}}
    whole = {one.name: one for one in named if one.kind in WHOLE}
    for name in dict.fromkeys(one.name for one in named):
        content = None if name in closed else _content(folder, name)
        if content is not None and _PRIVATE not in content:
            yield name, content
        elif name in whole and (name in closed or content is not None):
            raise Refused(_why_not_copied(whole[name], has_key=content is not None))


def require_inside(folder: DataFolder) -> None:
    """Raise ``Refused`` for a folder of which a copy would lack what it cannot do without.

    Only names are looked at.
    """
    for one in _as_set(folder):
        if one.kind in NEEDED and not one.is_inside:
            why = _why_not_followed(folder, one.name) or "leads out of the folder"
            raise Refused(
                f"{one.key} = {one.name} {why}, and a backup would be without {one.kind}: have it "
                "in the folder and name it relative to that"
            )


def require_whole(folder: DataFolder) -> None:
    """Raise ``Refused`` where a file that a backup must hold cannot be in it as it is now.

    So does a profile that does not say which one it extends: that one would be missing.
    """
    profiles = {one.name: one for one in named_files(folder) if one.kind is Kind.PROFILE}
    for name, content in contents(folder):
        if name in profiles and not _tells_what_it_extends(content):
            one = profiles[name]
            raise Refused(
                f"{one.kind} {name}, which {one.key} names, is not TOML or extends what is no "
                "name, and a backup might be without what it extends: mend it"
            )


def require_held(folder: DataFolder, held: frozenset[str], kinds: frozenset[Kind] = NEEDED) -> None:
    """Raise ``Refused`` where the files that are ``held`` make no folder of these settings.

    Only names are looked at.
    """
    require_settings(held)
    for one in _as_set(folder):
        if one.kind in kinds and one.name not in held:
            raise Refused(f"the backup is without {one.kind} {one.name}, {_how_to_mend(one)}")


def require_settings(held: frozenset[str]) -> None:
    """Raise ``Refused`` where the settings are not among the files that are ``held``."""
    if FILE_NAME not in held:
        raise Refused(
            f"the backup is without {FILE_NAME}, and no folder can be made of it: have another one"
        )


def left_out(folder: DataFolder, held: frozenset[str]) -> tuple[str, ...]:
    """Name what a folder needs besides the files that are ``held``, a phrase each.

    The master is the first.
    """
    found = [_phrase(folder, one) for one in named_files(folder) if one.name not in held]
    found.sort(key=lambda phrase: not phrase.startswith(Kind.MASTER))
    return tuple(dict.fromkeys((*found, *databases_elsewhere(folder), *_files_of_urls(folder))))


def databases_elsewhere(folder: DataFolder) -> tuple[str, ...]:
    """Name the databases on PostgreSQL, a phrase each."""
    return tuple(
        f"the {section} on PostgreSQL: {_database(url)}"
        for section in ("ledger", "journal")
        if (url := getattr(folder.settings, section).url)
    )


def _phrase(folder: DataFolder, one: Named) -> str:
    if one.kind in SECRET:
        return f"{one.kind} {one.name}"
    named = f"{one.kind} {one.name}, which {one.key} names"
    if not one.is_inside:
        why = _why_not_followed(folder, one.name)
        return f"{named} by a path that {why}" if why else f"{named} outside the folder"
    if not (folder.root / one.name).is_file():
        return f"{named} and which is not there"
    return f"{named} and which holds a private key"


def _content(folder: DataFolder, name: str) -> bytes | None:
    """Read a file; ``None`` where there is none."""
    path = folder.root / name
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise Refused(f"{name} cannot be read: {error.strerror}") from None


def _why_not_copied(one: Named, *, has_key: bool) -> str:
    without = f"a backup would be without {one.kind} {one.name}"
    if has_key:
        return (
            f"{without}: it holds the line that begins or ends a private key, and such a file is "
            "never copied; take the key and these lines out, those in comments, too"
        )
    return f"{without}, which is named as a secret or a database, too: give each a file of its own"


def _why_not_followed(folder: DataFolder, name: str) -> str:
    """Say what is wrong with a path that comes back into the folder; nothing of any other."""
    root = folder.root.absolute()
    roots = (os.path.normpath(root), root.resolve())
    place = PurePosixPath(os.path.normpath(root / name))
    if not any(place.is_relative_to(one) for one in roots):
        return ""
    what = "is absolute" if PurePosixPath(name).is_absolute() else 'has ".." in it'
    return f"{what}, which a folder at another place cannot follow"


def _how_to_mend(one: Named) -> str:
    if one.is_inside:
        return f"which {one.key} names: set the environment as it was where it was made"
    return (
        f"for {one.key} names it by a path that leads elsewhere, and an older release left such a "
        "file out: unpack the backup with tar into a new folder, put a copy of that file into it "
        f"and set {one.key} to its name"
    )


def _tells_what_it_extends(content: bytes) -> bool:
    """Tell whether a profile's text says by name which one it extends, or that it does not."""
    try:
        below = tomllib.loads(content.decode()).get("extends") or ""
    except ValueError:  # not TOML, or not UTF-8
        return False
    return isinstance(below, str) and "\0" not in below


def _profile_files(folder: DataFolder, name: str) -> list[str]:
    """Name the files a profile is read from: its own, and those it extends."""
    found: list[str] = []

    def read(wanted: str) -> str:
        if is_shipped(wanted, folder.root):
            return profile_text(wanted)
        found.append(_plain(wanted))
        return (folder.root / wanted).read_text(encoding="utf-8")

    with suppress(ProfileWrong):  # who loads it says what is wrong with it
        load_profile(name, read)
    return found


def _plain(name: str) -> str:
    """Write a path without what means nothing in it: ``./a//b`` is ``a/b``."""
    return str(PurePosixPath(name))


def _database(url: str) -> str:
    """Say which database an address means, and where; the address holds no password."""
    parts = urlsplit(url)
    host = parts.hostname or dict(parse_qsl(parts.query)).get("host", "") or "its usual place"
    port = f":{parts.port}" if parts.port else ""
    return f"database {parts.path.strip('/')} at {host}{port}"


def _files_of_urls(folder: DataFolder) -> Iterator[str]:
    for section, key in _URLS:
        url = getattr(getattr(folder.settings, section), key)
        for word, name in parse_qsl(urlsplit(url).query):
            if word in _OF_URLS:
                yield f"the file {name}, which {section}.{key} names ({word})"
