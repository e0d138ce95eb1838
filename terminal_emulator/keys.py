"""The keys of one terminal at work: MACs made and checked, delivered keys taken.

Plan: the newest MAC key signs; an answer may also be under the one before, for the host
answers under the key it was asked with.  A delivered key is written to the kit, down to
the disk, before the host hears 00: after a crash on either side both still share a key.
Limits: software keys in the clear, as in the kit they come from; for test and lab.
"""

from collections.abc import Callable
from dataclasses import dataclass

from atm_switch.domain.secret import Key
from atm_switch.messages.authentication import (
    covered_by_mac,
    received_mac,
    spelled_mac,
    to_be_authenticated,
)
from atm_switch.messages.key_delivery import Delivery
from atm_switch.profile.model import Profile
from atm_switch.security import tdes
from atm_switch.security.components import TDES, key_check_value
from atm_switch.security.key_block import KeyBlock, KeyBlockError, unwrap
from atm_switch.security.mac import MacAlgorithm, mac, mac_matches
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

USAGES = {"P0": "pin_key", "M3": "mac_key", "M6": "mac_key"}
MODES = {"pin_key": "BEN", "mac_key": "CN"}
"""Modes of use a terminal's key may have: it enciphers PINs, and makes and checks MACs."""

KeepKey = Callable[[str, Key, str], None]
"""Name (``pin_key``, ``mac_key``), key and check value: writes them down to the disk."""


def _nowhere(_name: str, _key: Key, _check: str) -> None:
    """Keep a key in memory only: there is no kit file."""


@dataclass(slots=True, repr=False)
class TerminalKeys:
    """What a terminal holds.  ``mac``: the newest first, none where no MAC is made."""

    pin: Key | None = None
    mac: tuple[Key, ...] = ()
    exchange: Key | None = None
    keep: KeepKey = _nowhere

    def pack(self, message: IsoMessage, packager: Packager, like: bytes = b"") -> bytes:
        """Pack a message, with its MAC where there is a key.

        ``like``: a payload received; its answer is signed under the key that fits it.
        Raises ``ValueError`` for what cannot be packed.
        """
        if not self.mac:
            return packager.pack(message)
        key = self._key_of(like, packager) or self.mac[0]
        covered = to_be_authenticated(message, packager)
        algorithm = MacAlgorithm(packager.profile.security.mac_algorithm)
        return covered + spelled_mac(mac(algorithm, key, covered), packager.profile)

    def is_authentic(self, payload: bytes, message: IsoMessage, profile: Profile) -> bool:
        """Tell whether a payload carries a MAC under one of the keys; always so without."""
        return not self.mac or self._fitting(payload, message, profile) is not None

    def take(self, text: str, profile: Profile) -> str:
        """Take a delivered key into use and return its name.

        ``text`` is the element of the delivery.  Raises ``ValueError``, without the key.
        """
        delivery = Delivery.read(text, profile.security.key_layout)
        if self.exchange is None:
            message = "the kit has no exchange_key"
            raise ValueError(message)
        try:
            opened = unwrap(self.exchange, delivery.block)
        except KeyBlockError as error:
            raise ValueError(str(error)) from None
        name, own = USAGES.get(opened.usage, ""), key_check_value(opened.key, opened.algorithm)
        if not name or delivery.check not in ("", own):
            message = "the key is for nothing here, or does not have the check value sent with it"
            raise ValueError(message)
        _require_sound(opened, name)
        if self._has(name, opened.key):
            return name  # the same delivery again: its answer was lost on the way
        self.keep(name, opened.key, own)
        if name == "pin_key":
            self.pin = opened.key
        else:
            self.mac = (opened.key, *self.mac[:1])
        return name

    def _has(self, name: str, key: Key) -> bool:
        held = self.pin if name == "pin_key" else next(iter(self.mac), None)
        return held is not None and held.reveal() == key.reveal()

    def _key_of(self, payload: bytes, packager: Packager) -> Key | None:
        if not payload:
            return None
        return self._fitting(payload, packager.unpack(payload), packager.profile)

    def _fitting(self, payload: bytes, message: IsoMessage, profile: Profile) -> Key | None:
        received = received_mac(message)
        if received is None:
            return None
        algorithm = MacAlgorithm(profile.security.mac_algorithm)
        covered = covered_by_mac(payload, profile)
        return next((k for k in self.mac if mac_matches(algorithm, k, covered, received)), None)


def _require_sound(opened: KeyBlock, name: str) -> None:
    """Raise ``ValueError``, without the key, for a key the terminal must not use so."""
    if opened.mode not in MODES[name]:
        message = "the key block's mode of use does not fit"
        raise ValueError(message)
    if opened.algorithm == TDES:
        tdes.require_usable(opened.key)
        if not tdes.has_odd_parity(opened.key):
            message = "the key does not have odd parity"
            raise ValueError(message)
