"""The doors up to the card.  Each takes what only the door before can give.

Skipping or swapping doors does not type-check: authenticate before identify before query.
A door that says no raises ``Declined``; a question is put with ``ask`` and answered by
whoever drives the steps.  Behind the card the corridor goes on in ``inner_doors.py``.
"""

from datetime import time, timedelta
from functools import lru_cache

from atm_switch.domain.errors import Declined
from atm_switch.domain.identifiers import TerminalId, terminal_id
from atm_switch.domain.instant import Zone
from atm_switch.domain.member import CardRef, CardStatus, LinkedCard
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.value import value
from atm_switch.messages.balance_inquiry import BalanceInquiry, read_balance_inquiry
from atm_switch.switch.case import Case
from atm_switch.switch.freshness import require_timely
from atm_switch.switch.house import Flight, House
from atm_switch.switch.policy import AcquirerPolicy, PinPolicy
from atm_switch.switch.ports import (
    FindCard,
    FindRepeat,
    JournalEntry,
    Steps,
    StoredResponse,
    ask,
)

KEPT = 16
"""Windows of profiles at hand."""


class Joined(Exception):
    """The same request is under way already: wait for its response."""

    def __init__(self, flight: Flight) -> None:
        """Keep the flight to wait for."""
        super().__init__("joined")
        self.flight = flight


@value
class Admitted:
    """The request's bank and terminal may ask here."""

    case: Case
    acquirer: AcquirerPolicy
    terminal: TerminalId
    zone: Zone


@value
class Fresh:
    """A readable inquiry that is nobody's repeat and in time."""

    admitted: Admitted
    entry: JournalEntry
    inquiry: BalanceInquiry


@value
class KnownCard:
    """The card is linked, live, unexpired, and its owner agreed."""

    fresh: Fresh
    card: LinkedCard


def admit(case: Case, house: House) -> Admitted:
    """Let in who signed on (58), asks for its own bank (31), from a terminal it has (58)."""
    signed_on_as = case.session.signed_on_as
    if signed_on_as is None:
        raise Declined(Outcome.NOT_SIGNED_ON, "the link has not signed on")
    if case.elements[32] != signed_on_as.text:
        raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "DE032 is not who signed on")
    policy = house.policy.acquirers[signed_on_as]
    try:
        terminal = terminal_id(case.elements[41])
    except ValueError as error:
        raise Declined(Outcome.FORMAT_ERROR, f"DE041 {error}", data_element=41) from None
    listed = policy.terminals.get(terminal)
    if listed is None and not policy.admits_any_terminal:
        raise Declined(Outcome.TERMINAL_NOT_LISTED, "DE041 is not a listed terminal")
    wanted = listed.certificate_name if listed else ""
    if wanted and wanted not in case.session.peer_names:
        raise Declined(Outcome.TERMINAL_NOT_LISTED, "the certificate is not this terminal's")
    return Admitted(case, policy, terminal, listed.zone if listed else policy.zone)


def read(admitted: Admitted) -> BalanceInquiry:
    """Read the inquiry (30, 13, 14) and judge whether this channel may ask so (40)."""
    case, policy = admitted.case, admitted.acquirer
    inquiry = read_balance_inquiry(case.elements, case.profile, case.received.utc, case.pan)
    case.language = inquiry.data.language
    channel = case.profile.channels.get(inquiry.channel.text)
    if channel is None or inquiry.channel not in policy.channels:
        raise Declined(Outcome.CHANNEL_NOT_ALLOWED, "DE018 is not a channel of this bank")
    if inquiry.data.lookup._value_ not in channel.lookups:
        raise Declined(Outcome.CHANNEL_NOT_ALLOWED, "this channel may not look up like that")
    if policy.pin is PinPolicy.ISSUER and inquiry.pin_block is None:
        raise Declined(Outcome.FORMAT_ERROR, "DE052 is mandatory and missing", data_element=52)
    if policy.pin is PinPolicy.ACQUIRER:
        wipe(inquiry)
    return inquiry


def wipe(inquiry: BalanceInquiry) -> None:
    """Overwrite the PIN block, if one came."""
    if inquiry.pin_block is not None:
        inquiry.pin_block.wipe()


def first_time(
    admitted: Admitted, inquiry: BalanceInquiry, entry: JournalEntry, house: House
) -> Steps[Fresh | StoredResponse]:
    """Tell a first request from a repeat: the stored response, or 94 for other content.

    Raises ``Joined`` where the very same request is under way.  Where another one of its key is,
    the journal is asked all the same: that one may be who takes a key that is not its own.
    """
    flight, case = house.flights.get(entry.key), admitted.case
    if flight is not None and flight.fingerprint == entry.fingerprint:
        raise Joined(flight)
    if flight is None:
        house.flights[entry.key] = Flight(entry.fingerprint)
        case.flight = entry.key
    window = case.profile.inquiry.repeat_window_seconds
    case.repeats_since = case.received.utc - _seconds(window)
    stored = yield from ask(FindRepeat(entry.key, case.repeats_since))
    if flight is not None and (stored is None or stored.fingerprint != entry.fingerprint):
        raise Declined(Outcome.DUPLICATE, "same key, other content, first still running")
    if stored is None:
        case.is_first = True
        return Fresh(admitted, entry, inquiry)
    if stored.fingerprint != entry.fingerprint:
        if not house.flights[entry.key].waiting:
            # The key is not this one's: whoever it belongs to is still answered meanwhile.
            del house.flights[entry.key]
            case.flight = None
        raise Declined(Outcome.DUPLICATE, "same key, other content")
    return stored


@lru_cache(KEPT)
def _seconds(count: int) -> timedelta:
    """Return a span: one is made of seconds as slowly as a dozen fields are read."""
    return timedelta(seconds=count)


def in_time(fresh: Fresh, house: House) -> Fresh:
    """Refuse what came in too slowly (91), is stale (68), at end of day (90), too often (65)."""
    case, inquiry = fresh.admitted.case, fresh.inquiry
    require_timely(inquiry.sent_at, case)
    end_of_day = fresh.admitted.acquirer.end_of_day
    if end_of_day is not None and _is_between(*end_of_day, case):
        raise Declined(Outcome.CUT_OFF_RUNNING, "end of day of this bank")
    by_terminal = (inquiry.acquirer, inquiry.terminal)
    by_card = lasting(case, inquiry, house).digest
    now = case.received.monotonic
    if not house.terminal_frequency.admits(by_terminal, now):
        raise Declined(Outcome.TOO_MANY_INQUIRIES, "the terminal asks too often")
    if not house.card_frequency.admits(by_card, now):
        raise Declined(Outcome.TOO_MANY_INQUIRIES, "the card asks too often")
    return fresh


def lasting(case: Case, inquiry: BalanceInquiry, house: House) -> CardRef:
    """Name the card as no change of the card key alters it: under the first key of all."""
    return case.card_refs(inquiry.pan, house.vault)[-1]


def _is_between(begin: time, end: time, case: Case) -> bool:
    clock = case.received.local(Zone.WIB).time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end


def identify(fresh: Fresh, house: House) -> Steps[KnownCard]:
    """Find the card (56) and see that it is agreed to (57), live (62), unexpired (54)."""
    refs = fresh.admitted.case.card_refs(fresh.inquiry.pan, house.vault)
    card = yield from ask(FindCard(refs[0], refs[1:]))
    if card is None:
        raise Declined(Outcome.CARD_NOT_LINKED, "the card is not in the registry")
    if card.consent_on is None:
        raise Declined(Outcome.NOT_PERMITTED, "consent was withdrawn")
    if card.status is not CardStatus.ACTIVE:
        raise Declined(Outcome.CARD_BLOCKED, "the card is blocked")
    today = fresh.admitted.case.today
    year, month, sent = today.year, today.month, fresh.inquiry.expiry
    if card.expiry.is_past(year, month) or (sent is not None and sent.is_past(year, month)):
        raise Declined(Outcome.CARD_EXPIRED, "the card is past its expiry")
    return KnownCard(fresh, card)
