"""The keys of the lines: what each is for, whose it is, and what came before it.

Plan: a key has a name (usage, acquirer, terminal or index) and lies on a ladder: the key
in use and, around a change, one other - the one before, or one that was offered and not
yet used by the peer.  Ladders are values; a change makes a new one.
Limits: three keys may be where the peer is, so two changes in a row may be lost on the way;
a third that is lost before a message tells where the peer is gives one of them an end.  Beside
them the last six keys that made room - of MAC keys, in use - stay good for the rest of their
overlap, and the last sixteen that left are known by their check values.
Why the old key lives on until a message under the new one has come: an answer that was
lost, or a crash on either side, must not leave the two sides with different keys.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import NoReturn

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.components import AES, TDES, key_check_value

__all__ = ["AES", "TDES", "Fading", "KeyName", "KeyUsage", "Ladder", "LineKey"]

PAST_MAX = 16
"""Check values of keys that left, remembered for each name."""

FADING_MAX = 6
"""Keys of earlier changes that may still be good at once, beside the three."""
UNUSED_MAX = 3
"""So many of them may have made room in a burst before the peer is told to wait."""

UNDISTURBED = timedelta(seconds=10)
"""How long a key that made room stays, however many are brought before one of them is used."""


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

        An HSM may give one key out as two tokens, so there the check value decides.  A TDES
        key is one key at double and at triple length (K1|K2|K1), and whatever its parity; neither
        changes its check value, so keys that differ by that need no look at their octets.
        """
        if self.algorithm != other.algorithm or self.check != other.check:
            return False
        if not (self.is_clear and other.is_clear):
            return True
        if self.algorithm == TDES:
            return tdes.are_same(self.token, other.token)
        return self.token.reveal() == other.token.reveal()

    def has_octets_of(self, other: "LineKey") -> bool:
        """Tell whether both are one key, or the octets of one under two algorithms.

        Parity bits and the length a TDES key is written at make no other octets; keys under
        a master key are told apart by their check values alone.
        """
        if self.algorithm == other.algorithm or not (self.is_clear and other.is_clear):
            return self.is_same_as(other)
        return tdes.are_same(self.token, other.token)

    def __repr__(self) -> str:
        """Show the check value only."""
        return f"<LineKey {self.check}>"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: a key leaves in the sealed key file or in a key block."""
        message = "a LineKey cannot be serialised"
        raise TypeError(message)


@dataclass(frozen=True, slots=True, eq=False)
class Fading:
    """A key on its way out: good for messages still under way, refused from ``until`` (UTC) on."""

    key: LineKey
    until: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The key in use and, around a change, one other, or two where changes were lost.

    ``is_coming``: the other was offered to the peer, who has not used it yet; otherwise
    it is the one before, refused from ``until`` (UTC) on - ``None``: until a message under
    the key in use has come.  ``spare``: a key of a change that was never heard of again,
    which the peer may be at all the same; the next message tells.  ``past``: the check
    values of the keys that left, the latest last.  ``fading``: keys of earlier changes
    whose overlap still runs, a spare one among them, for when it makes room.  ``lender``: of a
    terminal that may still be at a key of its bank's, all the bank's keys, good for it as well;
    never stored.
    """

    in_use: LineKey
    other: LineKey | None = None
    is_coming: bool = False
    until: datetime | None = None
    spare: LineKey | None = None
    past: tuple[str, ...] = ()
    fading: tuple[Fading, ...] = ()
    lender: "Ladder | None" = None

    @property
    def rungs(self) -> tuple[LineKey, ...]:
        """Every key on the ladder, whether still good or not."""
        if self.other is None and self.spare is None and not self.fading:  # as nearly always
            return (self.in_use,)
        keys = (self.in_use, self.other, self.spare, *(one.key for one in self.fading))
        return tuple(key for key in keys if key is not None)

    def candidates(self, now: datetime) -> tuple[LineKey, ...]:
        """Return the keys a message may be under, the likeliest first."""
        is_over = self.until is not None and now >= self.until
        keys = (self.in_use, None if is_over else self.other, self.spare)
        own = tuple(key for key in keys if key is not None)
        fading = (one.key for one in self.fading if now < one.until)
        own = (*own, *(key for key in fading if not is_among(key, own)))
        lent = self.lender.candidates(now) if self.lender is not None else ()
        return (*own, *(key for key in lent if not is_among(key, own)))

    def received(self, new: LineKey, end: datetime | None = None) -> "Ladder":
        """Take a key the peer delivered into use; the same one twice changes nothing.

        ``end``: until when a key that makes room is good, for messages under way; ``None``: no
        longer.
        """
        if new.is_same_as(self.in_use):
            return self
        if self._is_unused:
            # What no message ever came under is not what the peer goes back to.
            return self._after(Ladder(new, self.other, spare=self.in_use), end)
        lost = self.other if self.is_coming else None
        return self._after(Ladder(new, self.in_use, spare=lost), end)

    def is_crowded(self, now: datetime, overlap: timedelta) -> bool:
        """Tell whether to wait with a key of the peer's, who has used none of the last.

        It drops a key, and so does the first message under any; those two take the place of others
        in the end, and the younger may have begun to fade just now.
        """
        if not self._is_unused or self.spare is None or len(self.fading) < UNUSED_MAX:
            return False
        until = self.fading[-UNUSED_MAX].until
        return until - overlap <= now < min(until, until - overlap + UNDISTURBED)

    def replaced(self, new: LineKey) -> "Ladder":
        """Put ``new`` alone in use, without overlap, as an officer does.

        The same one again is no other key: nothing is said to have left for it.
        """
        left = tuple(key.check for key in self.rungs if not key.is_same_as(new))
        return Ladder(new, past=latest_checks((*self.past, *left)))

    def has_replaced(self, key: LineKey) -> bool:
        """Tell whether ``key`` was here before: a recorded delivery must not bring it back."""
        if key.is_same_as(self.in_use) or self.has_offered(key):
            return False
        return key.check in self.past or any(key.is_same_as(rung) for rung in self.rungs)

    def has_offered(self, key: LineKey) -> bool:
        """Tell whether ``key`` is one on its way to the peer: it must not come back as theirs."""
        return self.other is not None and self.is_coming and key.is_same_as(self.other)

    def offered(self, new: LineKey, end: datetime | None = None) -> "Ladder":
        """Note a key that is being delivered to the peer; the old stays in use meanwhile.

        ``end``: as in ``received``.
        """
        lost = self.other if self.is_coming or self._is_unused else None
        return self._after(Ladder(self.in_use, new, is_coming=True, spare=lost), end)

    def withdrawn(self) -> "Ladder":
        """Forget a key that was offered and refused."""
        return self._after(Ladder(self.in_use, self.spare)) if self.is_coming else self

    def without_spare(self) -> "Ladder":
        """Forget an earlier offer that was refused when a later one was on its way."""
        return self._after(replace(self, spare=None))

    def seen(self, key: LineKey, now: datetime, overlap: timedelta) -> "Ladder":
        """Learn that a message came under ``key``: the first under the new one starts the clock."""
        end = now + overlap
        if key is self.spare:
            if self.is_coming:
                step = Ladder(key, self.other, is_coming=True, spare=self.in_use)
                return self._after(step, end)
            return self._after(Ladder(self.in_use, key), end)
        if self.is_coming and key is self.other:
            return self._after(Ladder(key, self.in_use, until=end), end)
        if key is self.in_use and self._is_unused:
            return self._after(Ladder(key, self.other, until=end), end)
        return self

    def is_same_as(self, other: "Ladder") -> bool:
        """Tell whether both hold the same keys in the same state, field by field."""
        return self is other or _written(self) == _written(other)

    def _after(self, step: "Ladder", end: datetime | None = None) -> "Ladder":
        """Carry over to the next ladder what is fading and what has left.

        ``end``: until when a key that this step drops is still good, or one that it has step
        aside, once that makes room; ``None``: no longer, but for one before whose own overlap
        runs.
        """
        stays = {id(key) for key in (step.in_use, step.other, step.spare)}
        fading = [one for one in self.fading if id(one.key) not in stays]
        for key in (self.other, self.spare):
            until = self.until if key is self.other and self.until else end
            if key is not None and id(key) not in stays and until is not None:
                fading = [one for one in fading if not key.is_same_as(one.key)]
                fading.append(Fading(key, until))
        if end is not None and step.spare is self.in_use and step.in_use is self.spare:
            fading.append(Fading(self.in_use, end))
        kept = tuple(fading[-FADING_MAX:])
        stays |= {id(one.key) for one in kept}
        left = tuple(key.check for key in self.rungs if id(key) not in stays)
        return replace(step, past=latest_checks((*self.past, *left)), fading=kept)

    @property
    def undated(self) -> tuple[LineKey, ...]:
        """The keys the peer may be at for as long as it likes."""
        keys = (self.in_use, self.other if self.until is None else None, self.spare)
        return tuple(key for key in keys if key is not None)

    @property
    def _is_unused(self) -> bool:
        """Whether no message has come under the key in use since it replaced the other."""
        return self.other is not None and not self.is_coming and self.until is None


def is_among(key: LineKey, keys: tuple[LineKey, ...]) -> bool:
    """Tell whether ``key`` is one of ``keys``."""
    return any(key.is_same_as(one) for one in keys)


def latest_checks(checks: tuple[str, ...]) -> tuple[str, ...]:
    """Keep the last of them, each once, where it stood last."""
    return tuple(reversed(tuple(dict.fromkeys(reversed(checks)))))[-PAST_MAX:]


def _written(ladder: Ladder) -> tuple[object, ...]:
    fading = tuple((_written_key(one.key), one.until) for one in ladder.fading)
    keys = tuple(_written_key(key) for key in (ladder.in_use, ladder.other, ladder.spare))
    return (*keys, ladder.is_coming, ladder.until, ladder.past, fading)


def _written_key(key: LineKey | None) -> tuple[object, ...] | None:
    if key is None:
        return None
    return (key.token.reveal(), key.check, key.algorithm, key.is_clear)
