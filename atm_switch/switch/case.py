"""One request under way: what came in, and what has become known of it so far.

The doors hand typed values on; the case keeps only what must survive a decline - what the
journal, the log and the answer need whichever door said no.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from atm_switch.domain.card import Pan
from atm_switch.domain.instant import Instant
from atm_switch.domain.mask import mask_pan
from atm_switch.domain.member import CardRef
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.value import value
from atm_switch.profile.model import MessageRule, Profile
from atm_switch.security.key_ring import KeyName, LineKey
from atm_switch.security.vault import Vault
from atm_switch.switch.effects import Note
from atm_switch.switch.hsm_port import MakeMac
from atm_switch.switch.ports import Ask, Commit, JournalEntry, RepeatKey, Steps
from atm_switch.switch.session import Session
from atm_switch.wire.message import IsoMessage

LATE_SECONDS = 2.0
"""From the deadline until no answer leaves: what it takes to journal that there is none."""

ENDING_SECONDS = 1.0
"""What the row and the MAC of a request have at least, behind its deadline where need be."""
STOPPED_SECONDS = (ENDING_SECONDS + LATE_SECONDS) / 2
"""A deadline so long ago: the row and the MAC are given up as well, and the answer still leaves."""
ENDINGS = frozenset((Commit, MakeMac))
"""What is asked for an answer that is decided: it may take a little longer than the rest."""


@value
class Signing:
    """With what the answer to a request is authenticated: the key the request was under."""

    algorithm: str
    key: LineKey


@dataclass(slots=True)
class Case:
    """The mutable record of one request; nothing in it is secret but its elements."""

    message: IsoMessage
    header: bytes | None
    """``None``: a message of our own, which goes out behind our own header."""
    rule: MessageRule
    session: Session
    received: Instant
    now: Instant
    """The time of the latest answer, kept up by the switch."""
    began: float | None = None
    """As ``came_at``; ``None``: when it was received."""
    entry: JournalEntry | None = None
    """Set once the elements are known to be there."""
    language: str = ""
    sequence: int | None = None
    """Row A in the journal, under PIN policy ``issuer``."""
    is_first: bool = False
    """The request is no repeat, so its response is kept for repeats."""
    repeats_since: datetime | None = None
    """Answers older than this are not those to a repeat of this request."""
    flight: RepeatKey | None = None
    """The flight this request leads, to be ended with it."""
    counted_try: int | None = None
    """The PIN try that row A counted."""
    resets_tries: bool = False
    returned_try: int | None = None
    """The PIN try that row A counted and that decided nothing, to be given back with row B."""
    has_doubtful_row: bool = False
    """The journal did not confirm row B: it may be there, and say what nobody is told."""
    joins_kept: bool = True
    """What it joined, if it did, was answered as the journal keeps it."""
    kpj_masked: str = ""
    host_reference: str = ""
    card_turn: bytes | None = None
    """The card whose turn this request has; given on when it ends."""
    terminal_counted: tuple[str, str] | None = None
    """Bank and DE41, where the requests of one terminal are counted."""
    no_room: str = ""
    """Why more is under way than allowed: to be declined and journaled, nothing else."""
    is_counted: bool = False
    """The request counts as in flight on its link."""
    payload: bytes = field(default=b"", repr=False)
    """The request as received: what its MAC covers."""
    signing: Signing | None = None
    """Set where answers on this line carry a MAC."""
    is_stray: bool = False
    """Unreadable or unknown: it costs the link a strike."""
    wanted_keys: tuple[KeyName, ...] = ()
    """Keys the peer asked for; they are delivered after the answer."""
    is_replay: bool = False
    """The same command was carried out before: it may be answered, and change nothing."""
    fresh_until: datetime | None = None
    """Set for a command that counts once: from then on (UTC) no recording of it is fresh."""

    elements: Mapping[int, str] = field(init=False, repr=False)
    """Those of ``message``, looked up once."""
    profile: Profile = field(init=False, repr=False)
    """The dialect of the link."""
    today: date = field(init=False)
    """The day in Jakarta when it was received."""
    came_at: float = field(init=False)
    """Monotonic seconds of its first byte, however long it waited here until it was taken up."""
    deadline: float = field(init=False)
    """Monotonic seconds by which the request must be answered."""
    pan: Pan | None = field(default=None, repr=False)
    """The card number, once it is known to be one."""
    _card_refs: tuple[Vault, tuple[CardRef, ...]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Look up once what is asked for at every step."""
        self.elements = self.message.elements
        self.profile = self.session.dialect.profile
        self.today = self.received.jakarta_date()
        came_at = self.came_at = self.received.monotonic if self.began is None else self.began
        self.deadline = came_at + self.profile.inquiry.request_seconds_max

    def becomes(self, message: IsoMessage) -> None:
        """Be of another message from now on: the request is one of our own, made meanwhile."""
        self.message, self.elements = message, message.elements

    def card_refs(self, pan: Pan, vault: Vault) -> tuple[CardRef, ...]:
        """Return what may stand for the case's card at rest, hashed once for each vault."""
        known = self._card_refs
        if known is None or known[0] is not vault:
            known = self._card_refs = (vault, vault.card_refs(pan))
        return known[1]

    def given_up_at(self, question: Ask[Any] | None) -> float:
        """Monotonic seconds at which a question that has no answer yet gets none any more."""
        if type(question) not in ENDINGS:
            return self.deadline
        # ``now`` is when it was asked: one asked in good time has all of the request's, no more.
        return max(self.deadline, min(self.now.monotonic, self.deadline) + ENDING_SECONDS)

    @property
    def is_late(self) -> bool:
        """Whether whoever asked has gone by now: an answer would meet nobody, or another."""
        return self.now.monotonic > self.deadline + LATE_SECONDS

    @property
    def elapsed_us(self) -> int:
        """Microseconds since the request came: what whoever asked has waited, but for the ways."""
        return round((self.now.monotonic - self.came_at) * 1_000_000)

    @property
    def pan_masked(self) -> str:
        """The card as it may be shown; empty where none was sent."""
        return mask_pan(self.elements.get(2, "")) if self.entry is None else self.entry.pan_masked


@value
class Response:
    """The message that goes out and what the log says of it."""

    message: IsoMessage
    outcome: Outcome
    reason: str = ""
    is_repeat: bool = False
    what: str = "transaction"
    """What the log calls it."""
    payload: bytes | None = field(default=None, repr=False)
    """The message packed in the dialect of its request's link, once that was done."""
    note: Note | None = None
    """What the log says instead of the usual."""
    is_silent: bool = False
    """Nothing is sent; the note is all there is to it."""
    is_signed: bool = False
    """The payload carries the MAC the line asks for, or needs none."""
    kept: bytes | None = field(default=None, repr=False)
    """What is kept of the message for repeats, if it was packed: all of it but DE2."""

    def packed_as(
        self, payload: bytes | None, kept: bytes | None = None, *, is_signed: bool = False
    ) -> "Response":
        """Return the response with its payload.

        Written out: ``dataclasses.replace`` takes four times as long, twice a request.
        """
        return Response(
            self.message,
            self.outcome,
            self.reason,
            self.is_repeat,
            self.what,
            payload,
            self.note,
            self.is_silent,
            is_signed,
            self.kept if kept is None else kept,
        )


@dataclass(slots=True)
class Open:
    """A corridor that waits for an answer."""

    case: Case
    steps: Steps[Response | None]
    question: Ask[Any] | None = None
    """What it waits for."""
