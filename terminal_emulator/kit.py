"""``terminal-kit.json``: what ``atm-switch init`` hands to a terminal of its lab.

A flat JSON object of schema 1, mode 0600::

    {"schema": 1, "profile": "bpjstk-jht-v1", "acquirer": "009", "terminal": "S1ABC123",
     "card_acceptor": 15 characters, "location": 40 characters, "channel": "6011",
     "zone": "WIB", "pin_key": hexadecimal, "pin_key_check": 6 hexadecimal digits}

``pin_key`` and its check value are absent where the acquirer verifies the PIN; in the same
way ``mac_key`` where no MAC is required, ``exchange_key`` where no key is delivered, and
``mac_key_before``, the one before a delivered ``mac_key``.  ``keys_of``: ``"terminal"`` where
the keys are the terminal's own and not its bank's; it then names itself in its 0800 too.
Limits: the key lies in the clear, which is why a kit exists in lab mode only.
"""

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId, Channel, TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.domain.secret import Key
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Profile
from atm_switch.profile.shipped import profile_text
from atm_switch.security.components import key_check_value
from terminal_emulator.given_file import text_of_file
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.terminal import Station

SCHEMA = 1
KIT_BYTES_MAX = 65_536
WORDS = ("profile", "acquirer", "terminal", "card_acceptor", "location", "channel", "zone")


class KitError(Refused):
    """A kit cannot be used; the sentence says why and never holds the key."""


@dataclass(frozen=True, slots=True)
class Kit:
    """One terminal: its dialect, who it is, and its PIN key where it has one."""

    profile: str
    """Name of a shipped profile, or a path to a profile file."""
    station: Station
    pin_key: Key | None = None
    mac_key: Key | None = None
    mac_key_before: Key | None = None
    exchange_key: Key | None = None
    owns_keys: bool = False
    """The keys are this terminal's own."""
    path: Path | None = None
    """Where it was read from: delivered keys are written there."""

    def keys(self) -> TerminalKeys:
        """Hand out the keys to work with."""
        macs = tuple(key for key in (self.mac_key, self.mac_key_before) if key is not None)
        keys = TerminalKeys(self.pin_key, macs, self.exchange_key)
        if self.path is not None:
            path = self.path
            keys.keep = lambda name, key, check: keep_key(path, name, key, check)
        return keys

    def with_words(self, **given: str | None) -> "Kit":
        """Return the kit with some of profile, acquirer, terminal, channel replaced.

        Raises ``ValueError`` for a wrong shape; ``None`` leaves a word as it is.
        """
        made = {
            name: build(text)
            for name, build in _IDENTIFIERS.items()
            if (text := given.get(name)) is not None
        }
        station = replace(self.station, **made)
        return replace(self, profile=given.get("profile") or self.profile, station=station)


_IDENTIFIERS: Mapping[str, Callable[[str], Any]] = {
    "acquirer": AcquirerId,
    "terminal": TerminalId,
    "channel": Channel,
}

HOW = "atm-switch init DIR writes one to DIR/terminal-kit.json"

BARE_KIT = Kit(
    profile="bpjstk-jht-v1",
    station=Station(
        acquirer=AcquirerId("009"),
        terminal=TerminalId("S1ABC123"),
        card_acceptor="BNI000000000001",
        location="ATM KC HARMONI        JAKARTA       ID  ",
        channel=Channel("6011"),
        zone=Zone.WIB,
    ),
)
"""The terminal of domain.md 6, for those who have no kit: it has no key, so no PIN."""


def read_kit(path: Path, warn: Callable[[str], None] = lambda _sentence: None) -> Kit:
    """Read a kit; ``warn`` gets a sentence if others on this machine could read it too.

    Raises ``KitError``.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(KIT_BYTES_MAX)
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            warn(f"{path} holds a key and others may read it; do: chmod 600 {path}")
    except OSError as error:
        raise KitError(f"the kit {path} cannot be read: {error.strerror}; {HOW}") from None
    try:
        kit = kit_of(json.loads(raw))
    except UnicodeDecodeError:
        raise KitError(f"the kit {path} cannot be used: it is no text in UTF-8") from None
    except ValueError as error:
        # A JSON error's text names line and column only; ours name the key.
        raise KitError(f"the kit {path} cannot be used: {error}") from None
    if _is_file_name(kit.profile):
        # The folder's settings name profile files from the folder, where the kit lies too.
        kit = replace(kit, profile=str(path.parent / kit.profile))
    return replace(kit, path=path)


def keep_key(path: Path, name: str, key: Key, check: str) -> None:
    """Write a delivered key into the kit, down to the disk; a MAC key keeps the one before.

    Raises ``ValueError`` where it cannot be written: the key is not taken then.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        document = json.loads(path.read_bytes())
        if name == "mac_key" and name in document:
            document["mac_key_before"] = document[name]
            document["mac_key_before_check"] = document[f"{name}_check"]
        document |= {name: key.reveal().hex().upper(), f"{name}_check": check}
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        message = f"the kit {path} cannot be written: {error.strerror}"
        raise ValueError(message) from None


def kit_of(document: object) -> Kit:
    """Make a kit of a parsed file.  Raises ``ValueError`` naming the key at fault."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        message = f"it is no terminal kit of schema {SCHEMA}"
        raise ValueError(message)
    words = {name: _word(document, name) for name in WORDS}
    if words["zone"] not in Zone.__members__:
        message = f"zone is not one of {', '.join(Zone.__members__)}"
        raise ValueError(message)
    return Kit(
        profile=words["profile"],
        station=Station(
            acquirer=AcquirerId(words["acquirer"]),
            terminal=TerminalId(words["terminal"]),
            card_acceptor=words["card_acceptor"],
            location=words["location"],
            channel=Channel(words["channel"]),
            zone=Zone[words["zone"]],
        ),
        pin_key=_key(document, "pin_key"),
        mac_key=_key(document, "mac_key"),
        mac_key_before=_key(document, "mac_key_before"),
        exchange_key=_key(document, "exchange_key"),
        owns_keys=document.get("keys_of") == "terminal",
    )


def find_profile(name_or_file: str) -> Profile:
    """Read a profile: a path if it ends in ``.toml`` or holds a slash, else one that ships.

    Raises ``Refused`` for a file that cannot be read, ``ProfileWrong`` with every problem.
    """
    if not _is_file_name(name_or_file):
        return load_profile(name_or_file)

    def text_of(name: str) -> str:
        if name == name_or_file:
            return text_of_file(Path(name), "name the profile's file, or one that ships")
        return profile_text(name)

    return load_profile(name_or_file, text_of)


def _is_file_name(profile: str) -> bool:
    return profile.endswith(".toml") or "/" in profile


def _word(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        message = f"{name} is missing or no text"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    return value


def _key(document: Mapping[str, Any], name: str) -> Key | None:
    if document.get(name) is None:
        return None
    try:
        key = Key.from_hex(_word(document, name))
        checks = [_check_value(key, algorithm) for algorithm in ("T", "A")]
    except ValueError as error:
        message = f"{name} is unusable: {error}"
        raise ValueError(message) from None
    if not any(checks):
        message = f"{name} is unusable: it is no TDES key and no AES key"
        raise ValueError(message)
    # Which of the two it is, is the profile's affair.
    if _word(document, f"{name}_check").upper() not in checks:
        message = f"{name} does not have the check value of {name}_check; it was damaged"
        raise ValueError(message)
    return key


def _check_value(key: Key, algorithm: str) -> str:
    try:
        return key_check_value(key, algorithm)
    except ValueError:
        return ""
