"""The corridor of a balance inquiry, 0200 and 0201, from the request to the response.

Whatever happens inside, it ends with a response and a journal row: a door's no, a silent
neighbour, even a mistake of ours.  Only an explicit way through all doors gives 00.  Where the
journal takes no row the response is 96.
"""

import itertools
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from operator import itemgetter
from pathlib import PurePath

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import Declined, JournalUnavailable, NeighbourUnavailable
from atm_switch.domain.mask import mask_pan
from atm_switch.domain.member import CardRef
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.presence import check_presence
from atm_switch.switch.authentication import signed
from atm_switch.switch.case import Case, Response
from atm_switch.switch.compose import again, approved, declined
from atm_switch.switch.doors import (
    Joined,
    admit,
    first_time,
    identify,
    in_time,
    read,
    wipe,
)
from atm_switch.switch.house import House
from atm_switch.switch.inner_doors import AnsweredElsewhere, choose, prove, query
from atm_switch.switch.network_management import settlement_date
from atm_switch.switch.ports import (
    Commit,
    Ending,
    JournalEntry,
    RepeatKey,
    Steps,
    StoredResponse,
)

NOT_FINGERPRINTED = (52, 64, 128)
"""They change from sending to sending of one request: PIN block and MACs."""

FORMS_KEPT = 256
"""Forms of a fingerprint's material at hand: one for each set of elements and lengths."""

STANDS_STILL = "the journal stands still, and is not asked meanwhile"

NEVER_KEPT = (Outcome.FORMAT_ERROR, Outcome.MAC_WRONG)
"""Outcomes that a repeat must earn anew: whoever sent them proved nothing."""


def balance_inquiry(case: Case, house: House) -> Steps[Response | None]:
    """Answer one inquiry; its row is durable before this returns, or the answer is 96."""
    entry = case.entry = _entry(case, house)
    try:
        response = yield from _corridor(case, entry, house)
    except Joined:
        raise
    except AnsweredElsewhere as meanwhile:
        response = _as_elsewhere(case, entry, meanwhile.given)
    except Declined as no:
        response = declined(case, no)
    except JournalUnavailable as silent:
        return _failed(case, Outcome.INTERNAL_ERROR, str(silent))
    except NeighbourUnavailable as silent:
        response = _failed(case, Outcome.LEDGER_UNAVAILABLE, str(silent))
    except Exception as mistake:  # noqa: BLE001  our bug must not hang a terminal
        response = _failed(case, Outcome.INTERNAL_ERROR, place_of(mistake))
    if response.is_repeat:
        return response
    return (yield from _committed(case, entry, response, house))


def _corridor(case: Case, entry: JournalEntry, house: House) -> Steps[Response]:
    if case.no_room:
        raise Declined(Outcome.LEDGER_UNAVAILABLE, case.no_room)
    code = case.elements.get(3)
    if code and not case.rule.has_processing_code(code):
        raise Declined(Outcome.UNSUPPORTED_TRANSACTION, "DE003 is no inquiry of the profile")
    check_presence(case.elements, case.rule)
    admitted = admit(case, house)
    inquiry = read(admitted)
    try:
        if entry.key in house.unwritten:
            raise JournalUnavailable("a row of this request still waits for the journal")
        first = yield from first_time(admitted, inquiry, entry, house)
        if isinstance(first, StoredResponse):
            return again(case, first)
        if house.journal.stands_still(case):
            raise JournalUnavailable(STANDS_STILL)
        known = yield from identify(in_time(first, house), house)
        proven = yield from prove(known, house)
    finally:
        wipe(inquiry)  # whichever door said no
    member = yield from choose(proven)
    balance = yield from query(member, house)
    return approved(member, balance, house)


def _committed(
    case: Case, entry: JournalEntry, response: Response, house: House
) -> Steps[Response]:
    if case.sequence is None and house.journal.stands_still(case):  # where there is an A, a B comes
        return _failed(case, Outcome.INTERNAL_ERROR, STANDS_STILL)
    response = yield from signed(case, response)  # before the row: row and wire say the same
    keeps = case.is_first and response.outcome not in NEVER_KEPT
    ending = Ending(
        response.outcome,
        response.message[39],
        response.reason,
        case.kpj_masked,
        case.host_reference,
        case.elapsed_us,
        _kept(case, response) if keeps else None,
        case.resets_tries,
        case.returned_try,
    )
    since = case.repeats_since if keeps else None
    row = Commit(entry, ending, case.sequence, since)
    try:
        given = yield from house.journal.asked(row, case)
    except NeighbourUnavailable as silent:
        case.has_doubtful_row = True
        return _failed(case, Outcome.INTERNAL_ERROR, str(silent))
    return response if given is None else (yield from _outrun(case, entry, given, house))


def _kept(case: Case, response: Response) -> bytes:
    if response.kept is not None:
        return response.kept
    return case.session.dialect.pack(response.message.without(2))


def _outrun(
    case: Case, entry: JournalEntry, given: StoredResponse, house: House
) -> Steps[Response]:
    """Say what another process on the same journal has said to the same request meanwhile.

    A row A of this process gets its B; like any repeat without one it has no row at all.
    Its PIN try decided nothing, for nobody is told what came of it: it is given back, and
    clears none.
    """
    case.resets_tries, case.returned_try = False, case.counted_try
    response = _as_elsewhere(case, entry, given)
    if response.is_repeat and case.sequence is None:
        return response
    return (yield from _committed(case, entry, response, house))


def _as_elsewhere(case: Case, entry: JournalEntry, given: StoredResponse) -> Response:
    """Say what another process has said under this key; 94 where that was to another request."""
    case.is_first = False
    if given.fingerprint == entry.fingerprint:
        return again(case, given)
    return declined(case, Declined(Outcome.DUPLICATE, "same key, other content"))


def _failed(case: Case, outcome: Outcome, reason: str) -> Response:
    return declined(case, Declined(outcome, reason))


def place_of(mistake: BaseException) -> str:
    """Name a mistake by its type and place: its text might quote what it failed on."""
    trace = mistake.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(mistake).__name__
    file = PurePath(trace.tb_frame.f_code.co_filename).name
    return f"{type(mistake).__name__} at {file}:{trace.tb_lineno}"


def _entry(case: Case, house: House) -> JournalEntry:
    session, elements = case.session, case.elements
    sent = elements.get
    acquirer = session.signed_on_as.text if session.signed_on_as else sent(32, "")
    return JournalEntry(  # by place: by name it takes twice as long
        case.received.utc,
        RepeatKey(acquirer, sent(41, ""), sent(7, ""), sent(11, ""), sent(37, "")),
        house.vault.fingerprint(fingerprint_material(elements)),
        case.message.mti,
        sent(3, ""),
        sent(18, ""),
        _business_date(case, house),
        session.peer,
        mask_pan(sent(2, "")),
        _card_ref(case, house),
    )


def fingerprint_material(elements: Mapping[int, str]) -> bytes:
    """Return the bytes a repeat must share with its first: every element but the changing.

    Each is written with its number and length, so that no two messages look alike.
    """
    texts = tuple(elements.values())
    form, picked = _form_of(tuple(elements), tuple(map(len, texts)))
    pieces = form.copy()
    pieces[1::2] = picked(texts)
    return "".join(pieces).encode()


@lru_cache(FORMS_KEPT)
def _form_of(
    numbers: tuple[int, ...], lengths: tuple[int, ...]
) -> tuple[list[str], Callable[[tuple[str, ...]], tuple[str, ...]]]:
    """Return the form of elements with these numbers and lengths, and what picks their texts.

    Every second piece is the place of a text.
    """
    pieces, places = [""], list[int]()
    for number, length, at in sorted(zip(numbers, lengths, itertools.count())):
        if number not in NOT_FINGERPRINTED:
            pieces[-1] = f"{';' if places else ''}{number}:{length}:"
            pieces += ["", ""]
            places.append(at)
    if len(places) > 1:
        return pieces, itemgetter(*places)
    return pieces, lambda texts: tuple([texts[at] for at in places])


def _business_date(case: Case, house: House) -> date:
    acquirer = case.session.signed_on_as
    current = case.today if acquirer is None else house.business_date(acquirer, case.today)
    try:
        return settlement_date(case.elements, case.today) or current
    except Declined:
        return current  # the door that reads DE15 will refuse it


def _card_ref(case: Case, house: House) -> CardRef | None:
    try:
        pan = case.pan = Pan(case.elements.get(2, ""))
        return case.card_refs(pan, house.vault)[0]
    except ValueError:
        return None
