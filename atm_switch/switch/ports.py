"""What the switch asks of its neighbours: questions as values, answers by type.

The core performs nothing.  A corridor yields an ``Ask``; the shell around the core finds
the answer - in the loop, in the writer thread, from an HSM - and hands it back.  A
neighbour that cannot answer is handed back as a ``NeighbourUnavailable``.
"""

from collections.abc import Generator
from dataclasses import field
from datetime import date, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from atm_switch.domain.errors import JournalSilent, LedgerUnavailable, NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId, Kpj
from atm_switch.domain.member import CardRef, LinkedCard, Participant
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.statement import AccountHistory
from atm_switch.domain.value import value
from atm_switch.security.key_ring import KeyName, Ladder

T = TypeVar("T")


class Ask(Generic[T]):
    """A question whose answer has type ``T``."""

    __slots__ = ()


Steps = Generator[Ask[Any], Any, T]
"""A corridor: yields questions, is sent their answers, returns a ``T``."""


def ask(question: Ask[T]) -> Steps[T]:
    """Put one question and return its answer, typed: ``card = yield from ask(...)``."""
    answer: T = yield question
    return answer


class RepeatKey(NamedTuple):
    """What makes two requests the same transaction: DE32, 41, 7, 11, 37 as text.

    Why no dataclass: one is hashed half a dozen times a request, which a tuple does in C.
    """

    acquirer: str
    terminal: str
    stamp: str
    stan: str
    rrn: str


@value
class StoredResponse:
    """An answer given before: the 0210 payload without DE2, and what it answered.

    ``fingerprint`` is the keyed hash of the request it belongs to (32 bytes).
    """

    fingerprint: bytes
    payload: bytes = field(repr=False)


@value
class JournalEntry:
    """What the journal keeps of a request, in row A and row B alike.  No PAN, no PIN."""

    received_at: datetime
    key: RepeatKey
    fingerprint: bytes
    mti: str
    processing_code: str
    channel: str
    business_date: date
    peer: str
    pan_masked: str
    card: CardRef | None


@value
class Reservation:
    """Row A is on disk.  ``tries`` counts this one; ``granted`` false: all tries are used."""

    sequence: int
    tries: int
    granted: bool


@value
class Ending:
    """What row B adds: how it ended.

    ``payload`` is the 0210 without DE2, kept for repeats; ``None`` where a repeat must
    be judged anew.  ``resets_tries`` clears the card's PIN tries in the same commit.
    ``returned_try``: the count row A gave for a PIN that nobody looked at; the same
    commit takes that try back, unless the card has fewer tries by then.
    """

    outcome: Outcome
    response_code: str
    reason: str
    kpj_masked: str
    host_reference: str
    elapsed_us: int
    payload: bytes | None = field(repr=False)
    resets_tries: bool = False
    returned_try: int | None = None


@value
class FindRepeat(Ask[StoredResponse | None]):
    """The journal's answer to this key since ``since`` (UTC), if one is kept."""

    key: RepeatKey
    since: datetime


@value
class FindCard(Ask[LinkedCard | None]):
    """The registry's link for a card, whatever its state.

    ``former``: its hashes under older card keys, for a registry whose key is being changed.
    """

    ref: CardRef
    former: tuple[CardRef, ...] = ()


@value
class TakeTurn(Ask[None]):
    """Wait until no other request verifies a PIN of this card; the switch itself answers.

    So that two terminals with the right PIN at once are not taken for two guesses.
    """

    card: CardRef


@value
class UnderWay:
    """Another process on the same journal has row A of the same key, and is at work on it.

    ``fingerprint`` is that of the request it has.
    """

    fingerprint: bytes


@value
class AwaitTick(Ask[None]):
    """Let a little time pass, for another process; the switch itself answers."""


@value
class Reserve(Ask[Reservation | StoredResponse | UnderWay]):
    """Make row A durable and, in the same commit, count one PIN try of the card.

    Where ``tries_max`` tries are used already, nothing is counted and it is not granted.
    ``unless_since``: where another process on the same journal has kept an answer to this
    key since then (UTC), or is at work on it, nothing is written, and that is the answer.
    Whoever begins it is at work on it no longer than from ``begun_since`` to its receipt (a
    span: whose clock tells it is the journal's affair).
    """

    entry: JournalEntry
    tries_max: int
    former: tuple[CardRef, ...] = ()
    """The card's hashes under older keys: what was tried under them counts."""
    unless_since: datetime | None = None
    begun_since: datetime | None = None


@value
class FindSiblings(Ask[tuple[Kpj, ...]]):
    """Every KPJ of the person who holds ``kpj``: that one first, the others ascending.

    Empty where the ledger does not know ``kpj``.
    """

    kpj: Kpj


@value
class FindAccount(Ask[tuple[Participant, AccountHistory] | None]):
    """A participant and the postings that a statement as of ``as_of`` needs.

    ``None`` where the ledger does not know ``kpj``.
    """

    kpj: Kpj
    as_of: date


@value
class Commit(Ask[StoredResponse | None]):
    """Make row B durable.  ``sequence`` is row A's, or ``None`` where there is none.

    ``unless_since``: where another process on the same journal has kept an answer to this
    key since then (UTC), no row is written, and that answer is what comes back.
    """

    entry: JournalEntry
    ending: Ending
    sequence: int | None
    unless_since: datetime | None = None


@value
class KeepBusinessDate(Ask[None]):
    """Keep an acquirer's business date after a cut-over, so that a restart knows it."""

    acquirer: AcquirerId
    business_date: date


@value
class KeepCommand(Ask[bool]):
    """Keep that a signed command was carried out, so that a restart knows its recording.

    ``identity`` is what tells it from every other of its bank; from ``until`` (UTC) on no
    recording of it is fresh any more, and it may be forgotten.  The answer is whether it is
    the first: ``False`` where the journal holds it already, whoever wrote it.
    """

    acquirer: AcquirerId
    identity: str
    until: datetime


@value
class TakeNumbers(Ask[int]):
    """Take a block of host references nobody else on the journal is given.

    The answer is the number of the block: 0 to 99, ten thousand references each.
    """


@value
class AuditRecord:
    """One line of the audit: what was done, by whom, to what.  Nothing secret in it.

    ``kind`` is a word of ``AUDIT_KINDS``; ``subject`` what it was done to (an acquirer, a
    key's name, a peer); ``detail`` short plain text, e.g. a key check value.
    """

    kind: str
    actor: str
    """Who: ``host:port`` of a peer, ``switch``, or the system user of a command."""
    subject: str
    detail: str = ""


AUDIT_KINDS = (
    "start", "stop", "configuration", "sign-on", "sign-off", "key change", "key refused",
    "peer refused", "mac refused", "command",
)  # fmt: skip
"""What the audit speaks of."""


@value
class KeepRecord(Ask[None]):
    """Make one audit record durable before what it tells of is answered."""

    record: AuditRecord


@value
class ProveWriting(Ask[None]):
    """Commit nothing, as durably as a row: of a journal nobody asks it tells whether it can."""


@value
class KeepKeys(Ask[None]):
    """Make the keys of one name durable, in place of those the change began from.

    ``replaces``: what was there (of a terminal's first own key what its bank has), or ``None``.
    Where the key file holds something else by now the answer is a ``NeighbourUnavailable``.
    ``is_awaited``: the request waits until it is kept, and other processes work with it.
    """

    name: KeyName
    ladder: Ladder
    replaces: Ladder | None
    is_awaited: bool = True


ASKS_LEDGER = (FindCard, FindSiblings, FindAccount)
"""Questions that the registry and the ledger answer."""

JOURNALED = (Reserve, Commit, KeepBusinessDate, KeepCommand, KeepRecord)
"""Questions that the journal's writer answers."""

ASKS_JOURNAL = (FindRepeat, KeepKeys, AwaitTick, *JOURNALED)
"""Questions whose silence is the journal's, or counts as such: nothing was made durable."""


def silence_of(question: Ask[Any] | None) -> NeighbourUnavailable:
    """Return what it means that a question has no answer by its deadline."""
    silent = JournalSilent if isinstance(question, ASKS_JOURNAL) else LedgerUnavailable
    return silent("no answer in time")
