"""What the switch asks of its HSM: PINs verified and translated, MACs and keys.

Keys come along with each question, as tokens: in the clear for the software engine, under
the local master key of a hardware HSM.  So an engine keeps nothing, and a key change is
the vault's affair alone.  An engine that cannot answer - away, too late, a key it cannot
use - answers ``NeighbourUnavailable``; nothing but an explicit yes is a yes.  Where it is
certain that it did not look at a PIN and will not, it answers ``NeverAsked``: such a try
is given back.
"""

from dataclasses import dataclass, field

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import SwitchError
from atm_switch.domain.secret import PinBlock
from atm_switch.security.key_ring import KeyUsage, LineKey
from atm_switch.switch.ports import Ask


@dataclass(frozen=True, slots=True)
class PinVerdict:
    """Whether the PIN is right, and under which of the keys the block was well-formed.

    ``key_at`` is ``None`` where it was under none: then the PIN is wrong like any other.
    """

    is_right: bool
    key_at: int | None


@dataclass(frozen=True, slots=True)
class VerifyPin(Ask[PinVerdict]):
    """Whether DE52 holds the PIN behind the card's PVV (or offset).

    ``keys``: one to three, the likeliest first; the block is taken under the first that
    makes it well-formed, and verified once.  ``formats``: the ISO 9564 formats allowed,
    ``"0"``, ``"1"``, ``"3"``, ``"4"``.
    """

    block: PinBlock
    pan: Pan
    pvv: str = field(repr=False)
    pvki: str
    pvk: LineKey
    keys: tuple[LineKey, ...]
    formats: frozenset[str]
    is_of_terminal: bool
    """The keys are a terminal's (TPK), not a bank's (ZPK): hardware tells them apart."""


@dataclass(frozen=True, slots=True)
class CheckMac(Ask[int | None]):
    """Which of ``keys`` the MAC was made with (from 0), or ``None``: the MAC is wrong."""

    algorithm: str
    keys: tuple[LineKey, ...]
    covered: bytes = field(repr=False)
    received: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MakeMac(Ask[bytes]):
    """The MAC of ``covered``, eight bytes."""

    algorithm: str
    key: LineKey
    covered: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TranslatePin(Ask[PinBlock | None]):
    """The PIN of a block in a block for the next line, or ``None``: there is no PIN in it.

    ``keys`` and ``formats`` as in ``VerifyPin``.  One PAN, for PCI PIN 3-3 allows no change
    of it.  Answered with ``TranslationRefused`` where the standard does not allow
    ``target_format`` from every one of ``formats``; nothing is deciphered then.
    """

    block: PinBlock
    pan: Pan
    keys: tuple[LineKey, ...]
    formats: frozenset[str]
    is_of_terminal: bool
    target_key: LineKey
    """A bank's PIN key (ZPK), of the algorithm of ``target_format``."""
    target_format: str


class TranslationRefused(SwitchError):
    """A translation of PIN blocks that PCI PIN 3-3 does not allow."""


class KeyRefused(SwitchError):
    """A key block, or the key in it, cannot be taken; the text says why and holds no key."""


@dataclass(frozen=True, slots=True)
class ImportKey(Ask[LineKey]):
    """The key inside a key block that came under ``exchange_key``, as a token.

    Answered with ``KeyRefused`` for a block that is not authentic or misshapen, another
    usage or algorithm than asked for, or a key that is weak.
    """

    exchange_key: LineKey
    block: str = field(repr=False)
    usage: KeyUsage
    algorithm: str
    """``T`` or ``A``: what the line's PIN blocks or MACs need."""


@dataclass(frozen=True, slots=True, repr=False)
class MintedKey:
    """A fresh key: as a token, and in a key block under the exchange key."""

    key: LineKey
    block: str


@dataclass(frozen=True, slots=True)
class MintKey(Ask[MintedKey]):
    """A fresh key for a line."""

    exchange_key: LineKey
    usage: KeyUsage
    algorithm: str


ASKS_HSM = (VerifyPin, TranslatePin, CheckMac, MakeMac)
"""Questions that change nothing, here or at the HSM: they may be given up at any time."""

HsmQuestion = VerifyPin | TranslatePin | CheckMac | MakeMac | ImportKey | MintKey
"""What an engine answers."""
