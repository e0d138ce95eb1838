"""``terminal-kit.json``: what ``atm-switch init`` hands to a terminal of its lab.

A flat JSON object of schema 1, mode 0600::

    {"schema": 1, "profile": "bpjstk-jht-v1", "acquirer": "009", "terminal": "S1ABC123",
     "card_acceptor": 15 characters, "location": 40 characters, "channel": "6011",
     "zone": "WIB", "pin_key": hexadecimal, "pin_key_check": 6 hexadecimal digits}

``pin_key`` and its check value are absent where the acquirer verifies the PIN.
Limits: the key lies in the clear, which is why a kit exists in lab mode only.
"""

import json
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
from atm_switch.security.tdes import check_value
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
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            warn(f"{path} holds a key and others may read it; do: chmod 600 {path}")
        with path.open("rb") as file:
            raw = file.read(KIT_BYTES_MAX)
    except OSError as error:
        raise KitError(f"the kit {path} cannot be read: {error.strerror}") from None
    try:
        kit = kit_of(json.loads(raw))
    except ValueError as error:
        # A JSON error's text names line and column only; ours name the key.
        raise KitError(f"the kit {path} cannot be used: {error}") from None
    if _is_file_name(kit.profile):
        # The folder's settings name profile files from the folder, where the kit lies too.
        return replace(kit, profile=str(path.parent / kit.profile))
    return kit


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
        pin_key=_pin_key(document) if document.get("pin_key") is not None else None,
    )


def find_profile(name_or_file: str) -> Profile:
    """Read a profile: a path if it ends in ``.toml`` or holds a slash, else one that ships.

    Raises ``ProfileWrong`` with every problem.
    """
    if not _is_file_name(name_or_file):
        return load_profile(name_or_file)

    def text_of(name: str) -> str:
        if name == name_or_file:
            return Path(name).read_text(encoding="utf-8")
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


def _pin_key(document: Mapping[str, Any]) -> Key:
    try:
        key = Key.from_hex(_word(document, "pin_key"))
        check = check_value(key)
    except ValueError as error:
        message = f"pin_key is unusable: {error}"
        raise ValueError(message) from None
    if _word(document, "pin_key_check").upper() != check:
        message = "pin_key does not have the check value of pin_key_check; it was damaged"
        raise ValueError(message)
    return key
