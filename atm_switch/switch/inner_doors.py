"""The doors behind the card: the PIN, the KPJ, the ledger.

As the doors before them (``doors.py``), each takes what only the one before can give.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from atm_switch.domain.errors import Declined, NeighbourUnavailable, NeverAsked
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.statement import draw_up
from atm_switch.domain.value import value
from atm_switch.messages.balance_inquiry import BalanceInquiry
from atm_switch.messages.inquiry_data import Lookup
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder
from atm_switch.security.vault import Vault
from atm_switch.switch.doors import Fresh, KnownCard, lasting
from atm_switch.switch.house import House
from atm_switch.switch.hsm_port import PinVerdict, VerifyPin
from atm_switch.switch.keys_seen import learn, untried
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import (
    AwaitTick,
    FindAccount,
    FindSiblings,
    Reservation,
    Reserve,
    Steps,
    StoredResponse,
    TakeTurn,
    ask,
)
from atm_switch.switch.slip import Balance, is_awaited, is_showable

OWN_INDEX = 1
"""Up to here an index means the card's own KPJ: 00, and 01, the first of the list."""

GIVEN_UP_AFTER = 2
"""So many times what a request may take after it came in, no process is at work on it any more."""


class AnsweredElsewhere(Exception):
    """Another process on the same journal has answered the same request meanwhile."""

    def __init__(self, given: StoredResponse) -> None:
        """Keep what it said."""
        super().__init__("answered elsewhere")
        self.given = given


@value
class ProvenCard:
    """Whoever asks knows the PIN, or the bank has vouched for it."""

    known: KnownCard


@value
class Member:
    """The KPJ asked for belongs to the card's owner."""

    proven: ProvenCard
    kpj: Kpj


def prove(known: KnownCard, house: House) -> Steps[ProvenCard]:
    """Verify the PIN where this switch has to: reserve a try durably, then look (55, 75).

    Under policy ``acquirer`` the PIN block is long wiped, unread.
    """
    fresh, card = known.fresh, known.card
    block = fresh.inquiry.pin_block
    if fresh.admitted.acquirer.pin is PinPolicy.ACQUIRER or block is None:
        return ProvenCard(known)
    if not card.pvv:
        raise Declined(Outcome.NOT_PERMITTED, "the card has no PIN verification value")
    case, inquiry = fresh.admitted.case, fresh.inquiry
    before, named = house.vault, _pin_keys(inquiry, house)
    pvk = house.vault.pvk(card.pvki)
    if named is None or pvk is None:
        missing = "PIN key for the terminal" if named is None else "key of the card's PVKI"
        raise NeighbourUnavailable(f"there is no {missing}")
    name, ladder = named
    tries = yield from _one_try(fresh, house)
    keys = ladder.candidates(case.received.utc)
    formats = frozenset(case.profile.security.pin_block_formats)
    question = VerifyPin(
        block, inquiry.pan, card.pvv, card.pvki, pvk, keys, formats,
        is_of_terminal=name.terminal is not None,
    )  # fmt: skip
    try:
        verdict = yield from ask(question)
    except NeverAsked:
        case.returned_try = tries
        raise
    if verdict.is_right is not True:
        name, question, verdict = yield from _under_news(
            name, question, verdict, before, fresh, house
        )
    if verdict.is_right is not True:  # nothing else is a yes
        raise Declined(Outcome.WRONG_PIN, f"PIN try {tries} is wrong")
    if verdict.key_at is not None:
        # Of a right PIN only: a block may open under a key it was not made with.
        yield from learn(name, question.keys[verdict.key_at], case, house)
    case.resets_tries = True
    return ProvenCard(known)


def _under_news(
    name: KeyName, question: VerifyPin, verdict: PinVerdict, before: Vault, fresh: Fresh,
    house: House,
) -> Steps[tuple[KeyName, VerifyPin, PinVerdict]]:  # fmt: skip
    """Have a PIN that is wrong looked at under keys of which news were late, if there are some.

    They are looked for behind every wrong one, or the time it takes would tell whether a block was
    well-formed.  One that was is not looked at again: of each try one PIN is.
    """
    inquiry, case = fresh.inquiry, fresh.admitted.case
    now = partial(_pin_keys, inquiry, house)
    name, others = yield from untried(question.keys, before, now, case, house, name)
    if others and verdict.key_at is None:
        is_of_terminal = name.terminal is not None
        question = replace(question, keys=others, is_of_terminal=is_of_terminal)
        verdict = yield from ask(question)
    return name, question, verdict


def _pin_keys(inquiry: BalanceInquiry, house: House) -> tuple[KeyName, Ladder] | None:
    return house.vault.ladder(KeyUsage.PIN, inquiry.acquirer, inquiry.terminal)


def _one_try(fresh: Fresh, house: House) -> Steps[int]:
    """Reserve one PIN try of the card, in its turn (75); return how many that makes.

    Raises ``AnsweredElsewhere`` where another process was first to have this request.
    """
    case, inquiry = fresh.admitted.case, fresh.inquiry
    yield from ask(TakeTurn(lasting(case, inquiry, house)))
    reservation = yield from _reserved(fresh, house)
    case.sequence = reservation.sequence
    if reservation.granted is not True:
        raise Declined(Outcome.PIN_TRIES_EXCEEDED, "all PIN tries are used")
    case.counted_try = reservation.tries
    return reservation.tries


def _reserved(fresh: Fresh, house: House) -> Steps[Reservation]:
    """Have row A written by whichever process is first to have the request; wait if it is not us.

    It is asked for again tick by tick: the other's answer is ours, and where the other died
    or gave up the row is.  Raises ``NeighbourUnavailable`` where the card key changed while
    the request was under way: a try counts under the newest card key or not at all, and
    uncounted nobody looks.
    """
    case, entry = fresh.admitted.case, fresh.entry
    rules = case.profile.inquiry
    at_work = timedelta(seconds=GIVEN_UP_AFTER * rules.request_seconds_max)
    while True:
        newest, *former = case.card_refs(fresh.inquiry.pan, house.vault)
        if newest != entry.card:
            raise NeighbourUnavailable("the card key was changed while the inquiry was under way")
        begun_since = case.received.utc - at_work
        row = Reserve(entry, rules.pin_tries_max, tuple(former), case.repeats_since, begun_since)
        answer = yield from house.journal.asked(row, case)
        if isinstance(answer, Reservation):
            return answer
        if isinstance(answer, StoredResponse):
            raise AnsweredElsewhere(answer)
        if answer.fingerprint != entry.fingerprint:
            case.is_first = False
            raise Declined(Outcome.DUPLICATE, "same key, other content, first still running")
        yield from ask(AwaitTick())


def choose(proven: ProvenCard) -> Steps[Member]:
    """Find the KPJ asked for among those of the card's owner; one answer for all others.

    The card's own, which most ask for, needs no looking for: its account says that it stands.
    """
    wanted = proven.known.fresh.inquiry.data
    if wanted.lookup is Lookup.CARD and wanted.kpj_index <= OWN_INDEX:
        return _chosen(proven, proven.known.card.kpj)
    return (yield from _among_all(proven))


def _among_all(proven: ProvenCard) -> Steps[Member]:
    siblings = yield from ask(FindSiblings(proven.known.card.kpj))
    wanted = proven.known.fresh.inquiry.data
    chosen: Kpj | None = None
    if wanted.lookup is Lookup.KPJ and wanted.kpj in siblings:
        chosen = wanted.kpj
    elif wanted.lookup is Lookup.CARD:
        chosen = next(iter(siblings[max(0, wanted.kpj_index - 1) :]), None)
    if chosen is None:
        raise Declined(Outcome.CARD_NOT_LINKED, "no such KPJ of the card's owner")
    return _chosen(proven, chosen)


def _chosen(proven: ProvenCard, kpj: Kpj) -> Member:
    proven.known.fresh.admitted.case.kpj_masked = kpj.masked
    return Member(proven, kpj)


def query(member: Member, house: House) -> Steps[Balance]:
    """Draw up the statement as of today in Jakarta (56, 88)."""
    case = member.proven.known.fresh.admitted.case
    as_of = case.today
    account = yield from ask(FindAccount(member.kpj, as_of))
    if account is not None and not account[0].kpj_count:
        # The card leads to a KPJ that was merged away: those that stand are looked through.
        case.kpj_masked = ""
        member = yield from _among_all(member.proven)
        account = yield from ask(FindAccount(member.kpj, as_of))
    if account is None or not account[0].kpj_count:
        case.kpj_masked = ""
        raise Declined(Outcome.CARD_NOT_LINKED, "the ledger does not know the KPJ")
    participant, history = account
    if is_awaited(participant.status, history.has_postings):
        raise Declined(Outcome.BALANCE_NOT_AVAILABLE, "nothing is booked on the account yet")
    statement = draw_up(history, as_of, house.rates, house.policy.accrual)
    if not is_showable(statement):
        raise Declined(Outcome.BALANCE_NOT_AVAILABLE, "an amount is below zero or has no place")
    return Balance(participant, statement)
