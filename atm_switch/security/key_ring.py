"""The keys of the lines: what each is for, whose it is, and what came before it.

Plan: a key has a name (usage, acquirer, terminal or index) and lies on a ladder: the key
in use and, around a change, one other - the one before, or one that was offered and not
yet used by the peer.  Ladders are values; a change makes a new one.
Limits: three keys on a ladder, so two changes in a row may be lost on the way; a third
that is lost before a message tells where the peer is loses a key.
Why the old key lives on until a message under the new one has come: an answer that was
lost, or a crash on either side, must not leave the two sides with different keys.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import NoReturn

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.components import AES, TDES, key_check_value

__all__ = ["AES", "TDES", "KeyName", "KeyUsage", "Ladder", "LineKey"]


@unique
class KeyUsage(Enum):
    """What a key may do, and nothing besides; the value is the word of the commands."""

    EXCHANGE = "exchange"
    """Carries other keys: ZMK of a bank, TMK of a terminal."""
    PIN = "pin"
    """Enciphers DE52: ZPK of a bank, TPK of a terminal."""
    MAC = "mac"
    """Authenticates DE64/DE128: ZAK of a bank, TAK of a terminal."""
    PVK = "pvk"
    """Verifies PINs; named by its index alone."""


@dataclass(frozen=True, slots=True)
class KeyName:
    """Whose key, for what.  ``terminal`` ``None``: of all the bank's other terminals."""

    usage: KeyUsage
    acquirer: AcquirerId | None = None
    terminal: TerminalId | None = None
    index: str = ""

    def __str__(self) -> str:
        """Write ``mac 009``, ``pin 009/S1ABC123`` or ``pvk 1``."""
        owner = self.index if self.acquirer is None else self.acquirer.text
        return f"{self.usage.value} {owner}" + (f"/{self.terminal.text}" if self.terminal else "")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LineKey:
    """One key as the HSM takes it.

    ``token`` is the key itself where ``is_clear``, else what a hardware HSM gave out: the
    key under its local master key, as text.  ``check`` is the key check value.
    """

    token: Key
    check: str
    algorithm: str = TDES
    is_clear: bool = True

    @classmethod
    def clear(cls, key: Key, algorithm: str = TDES) -> "LineKey":
        """Take a key in the clear.  Raises ``ValueError``, without it, for an unusable one."""
        if algorithm == TDES:
            tdes.require_usable(key)
        return cls(key, key_check_value(key, algorithm), algorithm)

    def is_same_as(self, other: "LineKey") -> bool:
        """Tell whether both are one key; of keys under a master key, as far as it shows.

        An HSM may give one key out as two tokens, so there the check value decides.
        """
        if not (self.is_clear and other.is_clear):
            return (self.check, self.algorithm) == (other.check, other.algorithm)
        return (self.token.reveal(), self.algorithm) == (other.token.reveal(), other.algorithm)

    def __repr__(self) -> str:
        """Show the check value only."""
        return f"<LineKey {self.check}>"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: a key leaves in the sealed key file or in a key block."""
        message = "a LineKey cannot be serialised"
        raise TypeError(message)


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The key in use and, around a change, one other, or two where changes were lost.

    ``is_coming``: the other was offered to the peer, who has not used it yet; otherwise
    it is the one before, refused from ``until`` (UTC) on - ``None``: until a message under
    the key in use has come.  ``spare``: a key of a change that was never heard of again,
    which the peer may be at all the same; the next message tells.
    """

    in_use: LineKey
    other: LineKey | None = None
    is_coming: bool = False
    until: datetime | None = None
    spare: LineKey | None = None

    def candidates(self, now: datetime) -> tuple[LineKey, ...]:
        """Return the keys a message may be under, the likeliest first."""
        is_over = self.until is not None and now >= self.until
        keys = (self.in_use, None if is_over else self.other, self.spare)
        return tuple(key for key in keys if key is not None)

    def received(self, new: LineKey) -> "Ladder":
        """Take a key the peer delivered into use; the same one twice changes nothing."""
        if new.is_same_as(self.in_use):
            return self
        if self._is_unused:
            # What no message ever came under is not what the peer goes back to.
            return Ladder(new, self.other, spare=self.in_use)
        return Ladder(new, self.in_use, spare=self.other if self.is_coming else None)

    def has_replaced(self, key: LineKey) -> bool:
        """Tell whether ``key`` is the one before: a recorded delivery must not bring it back."""
        return self.other is not None and not self.is_coming and key.is_same_as(self.other)

    def has_offered(self, key: LineKey) -> bool:
        """Tell whether ``key`` is one on its way to the peer: it must not come back as theirs."""
        return self.other is not None and self.is_coming and key.is_same_as(self.other)

    def offered(self, new: LineKey) -> "Ladder":
        """Note a key that is being delivered to the peer; the old stays in use meanwhile."""
        lost = self.other if self.is_coming or self._is_unused else None
        return Ladder(self.in_use, new, is_coming=True, spare=lost)

    def withdrawn(self) -> "Ladder":
        """Forget a key that was offered and refused."""
        return Ladder(self.in_use, self.spare) if self.is_coming else self

    def seen(self, key: LineKey, now: datetime, overlap: timedelta) -> "Ladder":
        """Learn that a message came under ``key``: the first under the new one starts the clock."""
        if key is self.spare:
            if self.is_coming:
                return Ladder(key, self.other, is_coming=True, spare=self.in_use)
            return Ladder(self.in_use, key)
        if self.is_coming and key is self.other:
            return Ladder(key, self.in_use, until=now + overlap)
        if key is self.in_use and self._is_unused:
            return Ladder(key, self.other, until=now + overlap)
        return self

    @property
    def _is_unused(self) -> bool:
        """Whether no message has come under the key in use since it replaced the other."""
        return self.other is not None and not self.is_coming and self.until is None
