"""One TCP link as the core sees it: who signed on, how often it misbehaved, when it spoke."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Final

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.outcome import Outcome
from atm_switch.profile.model import MessageRule, Profile
from atm_switch.security.key_ring import KeyName, LineKey
from atm_switch.switch.effects import LinkId
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

STRIKE_SECONDS = 60.0
STRIKING = (Outcome.FORMAT_ERROR, Outcome.NOT_SIGNED_ON, Outcome.MAC_WRONG)
"""Outcomes a link should not keep earning: each costs it a strike, as an unknown MTI does."""
RECORD_SECONDS = 60.0
"""Between two records of a sign-on that is said again over one link, and changes nothing."""
OFFERS_MAX = 3
"""Unanswered deliveries of one key that an answer may still belong to: as many as the ladder
can hold."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A profile with its packager, shared by the links of one listener."""

    profile: Profile
    packager: Packager
    rules: Mapping[str, MessageRule]
    """The rule that knows an MTI."""

    @classmethod
    def of(cls, profile: Profile) -> "Dialect":
        """Make the packager that belongs to ``profile``."""
        rules = {
            mti: rule for rule in reversed(list(profile.messages.values())) for mti in rule.mti
        }
        return cls(profile, Packager(profile), MappingProxyType(rules))

    def pack(self, message: IsoMessage) -> bytes:
        """Pack a message that also fits a frame.  Raises ``ValueError``: our mistake."""
        return self._fitting(self.packager.pack(message))

    def pack_with_rest(self, message: IsoMessage, first: int) -> tuple[bytes, bytes]:
        """Pack a message, and what is left of it without its element ``first``.

        Raises ``ValueError`` where ``pack`` does.
        """
        payload, rest = self.packager.pack_with_rest(message, first)
        return self._fitting(payload), rest

    def _fitting(self, payload: bytes) -> bytes:
        if len(payload) > self.profile.framing.payload_bytes_max:
            raise ValueError("the message is longer than the profile's payload_bytes_max")
        return payload


@dataclass(frozen=True, slots=True, repr=False)
class Offer:
    """A key that was sent to the peer and not answered yet."""

    name: KeyName
    key: LineKey
    stamp: str
    code: str
    """DE7 and DE70 it went out with: a recorded answer to another delivery has others."""


NO_OFFERS: Final[dict[str, Offer]] = {}
"""One for all links that have none, of which each empty one would take a twentieth."""


@dataclass(slots=True)
class Standing:
    """A sign-on of the peer's, which may be said again and again: it stands on its records.

    It is the session's until it is signed off, or no record of it was written or can still be.
    """

    before: AcquirerId | None
    """As whom the link is signed on without it: by the switch's own sign-on, or nobody."""
    recorded_at: float = -inf
    """Monotonic seconds of its last record; there is none yet."""
    unrecorded: int = 0
    """How often it was said since that record."""
    pending: int = 0
    """Records that are being written: each may still be the one it stands on."""

    def is_recorded(self, now: float) -> bool:
        """Hear it once more; tell whether the last record is young enough to do for it."""
        if now < self.recorded_at + RECORD_SECONDS:
            self.unrecorded += 1
            return True
        if self.recorded_at > -inf:  # others that come before this one is written leave it to it
            self.recorded_at = now
        return False

    def written(self, now: float, told: int) -> None:
        """Hear that a record was written, which tells of so many that were not."""
        self.pending -= 1
        self.recorded_at, self.unrecorded = now, self.unrecorded - told

    def failed(self, now: float) -> bool:
        """Hear that a record could not be written; tell whether it may stand on another one."""
        self.pending -= 1
        if self.recorded_at == -inf:
            return self.pending > 0
        self.recorded_at = now - RECORD_SECONDS  # the next is to be recorded
        return True


@dataclass(frozen=True, slots=True)
class SigningOn:
    """Where a line that this switch dialled stands with its own sign-on.  Monotonic seconds."""

    due_at: float
    key: tuple[str, str, str] | None = None
    """DE7, DE11 and DE70 of the sign-on that is not answered yet."""
    sent_at: float = 0.0


@dataclass(slots=True)
class Session:
    """The state of one link; it ends with the link."""

    link: LinkId
    peer: str
    dialect: Dialect
    default_acquirer: AcquirerId | None
    """The listener's acquirer, for a sign-on without DE32."""
    heard_at: float
    """Monotonic seconds of the last whole frame."""
    peer_names: frozenset[str] = frozenset()
    """What the peer's verified certificate calls it; empty without TLS."""
    is_tls: bool = False
    signed_on_as: AcquirerId | None = None
    standing: Standing | None = None
    """Of the peer's last sign-on that changed something; ends with it."""
    signing_on: SigningOn | None = None
    """Set on a line that this switch dialled, and signs on to by itself."""
    signing_off: tuple[str, str, str] | None = None
    """DE7, DE11 and DE70 of our own sign-off that is not answered yet."""
    echo_idle_seconds: float | None = None
    """Silence after which we echo here; ``None``: as the policy has it."""
    in_flight: int = 0
    surplus: int = 0
    """Those of them that are declined for want of room."""
    echo_stan: str = ""
    """DE11 of our own echo while it is unanswered."""
    echo_sent_at: float = 0.0
    offers: dict[str, Offer] = field(default_factory=lambda: NO_OFFERS)
    """Keys on their way to the peer, by the DE11 that carried them; ``add_offer`` adds to it."""
    ignored_responses: int = 0
    strikes: deque[float] | None = None
    """When it sent a bad frame in the last minute; an empty deque weighs as much as the rest."""
    is_struck_out: bool = False
    """Whether it had too many, and is to end; what is under way may be refused behind that."""

    def end_sign_on(self) -> AcquirerId | None:
        """Be signed off, whatever is still to be recorded; return as whom it was signed on."""
        acquirer, self.signed_on_as, self.standing = self.signed_on_as, None, None
        return acquirer

    def stand_alone(self, acquirer: AcquirerId | None) -> None:
        """Be signed on by the switch itself, or no more (``None``); the peer's own stands first."""
        if self.standing is None:
            self.signed_on_as = acquirer
        else:
            self.standing.before = acquirer

    def strike(self, now: float) -> int:
        """Count one bad frame; return how many there were in the last minute."""
        strikes = self.strikes = deque() if self.strikes is None else self.strikes
        strikes.append(now)
        while strikes[0] <= now - STRIKE_SECONDS:
            strikes.popleft()
        return len(strikes)

    def struck_out(self, most: int | None, now: float) -> str:
        """Count one bad frame; say why the link ends by it, if it does.

        ``most``: how many a minute may have, 0 for no limit; ``None``: as the profile has it.
        """
        limit = self.dialect.profile.inquiry.bad_frames_per_minute if most is None else most
        is_out = self.is_struck_out = bool(limit) and self.strike(now) >= limit
        return f"{limit} bad frames within a minute" if is_out else ""

    def add_offer(self, stan: str, offer: Offer) -> None:
        """Remember a key sent out under ``stan``; of one name only the last few count."""
        self.offers = {**self.offers, stan: offer}
        same = [at for at, one in self.offers.items() if one.name == offer.name]
        for at in same[:-OFFERS_MAX]:
            del self.offers[at]
