"""0800: sign-on, sign-off, echo, cut-over, keys.  Sign-on belongs to one TCP link."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache

from atm_switch.domain.errors import Declined, NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import HALF_YEAR
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.presence import check_presence
from atm_switch.messages.responses import answer, refusal
from atm_switch.switch.case import Case, Response
from atm_switch.switch.freshness import require_fresh
from atm_switch.switch.house import House
from atm_switch.switch.key_exchange import receive_key, request_keys
from atm_switch.switch.once import counted, once, require_first
from atm_switch.switch.own_sign_on import postpone
from atm_switch.switch.ports import AuditRecord, KeepBusinessDate, KeepRecord, Steps, ask
from atm_switch.switch.session import Session, Standing
from atm_switch.wire.message import IsoMessage

ACQUIRER, NETWORK_CODE, SETTLEMENT_DATE = 32, 70, 15

CUT_OVER_MAX = timedelta(days=7)
"""A business date further from today is taken for a mistake."""


Verb = Callable[[Case, House], Steps[None]]


def network_management(case: Case, house: House) -> Steps[Response | None]:
    """Answer one 0800 and change the session as it says."""
    request, rule, profile = case.message, case.rule, case.profile
    codes, rules = profile.network, profile.security
    verbs: dict[str, tuple[str, Verb]] = {
        codes.sign_on: ("sign-on", _sign_on),
        codes.sign_off: ("sign-off", _sign_off),
        codes.echo: ("echo", _echo),
        codes.cut_over: ("cut-over", _cut_over),
        rules.key_request: ("key request", request_keys),
        **dict.fromkeys(rules.key_delivery, ("key delivery", receive_key)),
    }
    what, verb = verbs.get(request.get(NETWORK_CODE), ("unknown", _unknown))
    try:
        check_presence(case.elements, rule)
        if verb in (request_keys, receive_key) or (case.signing and verb is not _echo):
            require_fresh(case)
        if verb in (request_keys, receive_key) or (case.signing and verb is _cut_over):
            yield from once(case, house, verb, holds=verb is receive_key)
        else:
            # Lines of one bank that come up together may sign on with one DE7 and DE11, so a
            # recorded sign-on opens a link too; whoever plays it back can prove nothing there.
            yield from verb(case, house)
    except Declined as no:
        if no.outcome is Outcome.FORMAT_ERROR:
            message = refusal(request.mti, request.elements, profile, no.outcome, no.data_element)
        else:
            message = answer(request, rule, profile.code_of(no.outcome))
        return Response(message, no.outcome, no.reason, what=what)
    except NeighbourUnavailable as silent:
        code = profile.code_of(Outcome.INTERNAL_ERROR)
        message = answer(request, rule, code)
        return Response(message, Outcome.INTERNAL_ERROR, str(silent), what=what)
    return Response(
        answer(request, rule, profile.code_of(Outcome.APPROVED)), Outcome.APPROVED, what=what
    )


def _sign_on(case: Case, house: House) -> Steps[None]:
    session = case.session
    acquirer = _acquirer_of(case.message, session, house)
    if session.signed_on_as not in (None, acquirer):
        raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "the link is signed on for another acquirer")
    names = house.policy.acquirers[acquirer].certificate_names
    if names and not names & session.peer_names:
        raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "the certificate is not one of this bank's")
    # At once: inquiries may follow in the same segment.  Unrecorded it does not stand.
    before, session.signed_on_as = session.signed_on_as, acquirer
    standing, now, detail = session.standing, case.received.monotonic, ""
    if standing is None:
        standing = session.standing = Standing(before)
    elif standing.is_recorded(now):
        return  # nothing changes, and whoever plays one back without end must not fill the disk
    else:
        detail = f"again{_unrecorded(standing)}"
    told, standing.pending = standing.unrecorded, standing.pending + 1
    try:
        record = AuditRecord("sign-on", session.peer, f"acquirer {acquirer}", detail)
        yield from ask(KeepRecord(record))
    except NeighbourUnavailable:
        # Another one is the session's, or none, where it was signed off meanwhile.
        if not standing.failed(now) and session.standing is standing:
            session.standing, session.signed_on_as = None, standing.before
        raise
    standing.written(now, told)


def _unrecorded(standing: Standing | None) -> str:
    count = standing.unrecorded if standing is not None else 0
    return f"; {count} more sign-ons were not recorded" if count else ""


def _acquirer_of(request: IsoMessage, session: Session, house: House) -> AcquirerId:
    known = house.policy.acquirers
    if ACQUIRER in request:
        named = AcquirerId(request[ACQUIRER])
        if named not in known:
            raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "DE032 is not an acquirer known here")
        return named
    if session.default_acquirer is not None:
        return session.default_acquirer
    if len(known) == 1:
        return next(iter(known))
    raise Declined(
        Outcome.FORMAT_ERROR, "DE032 is needed to tell the acquirers apart", data_element=ACQUIRER
    )


def _sign_off(case: Case, _house: House) -> Steps[None]:
    session = case.session
    detail = _unrecorded(session.standing).removeprefix("; ")
    acquirer = session.end_sign_on()
    postpone(session, case.received)
    if acquirer is not None:
        record = AuditRecord("sign-off", session.peer, f"acquirer {acquirer}", detail)
        yield from ask(KeepRecord(record))


def _echo(_case: Case, _house: House) -> Steps[None]:
    yield from ()


def _cut_over(case: Case, house: House) -> Steps[None]:
    acquirer, now = case.session.signed_on_as, case.received
    if acquirer is None:
        raise Declined(Outcome.NOT_SIGNED_ON, "cut-over before sign-on")
    # Counted from the calendar, so that a cut-over sent twice moves one day.
    today = now.jakarta_date()
    following = settlement_date(case.elements, today) or today + timedelta(days=1)
    if abs(following - today) > CUT_OVER_MAX:
        raise Declined(
            Outcome.FORMAT_ERROR, "DE015 is too far from today", data_element=SETTLEMENT_DATE
        )
    moves = house.business_date(acquirer, today) != following
    if moves:
        require_first(case)
    yield from counted(case, house, changes=moves)
    yield from ask(KeepBusinessDate(acquirer, following))
    house.business_dates[acquirer] = following


def _unknown(_case: Case, _house: House) -> Steps[None]:
    yield from ()
    raise Declined(Outcome.UNSUPPORTED_TRANSACTION, "DE070 is not a code of the profile")


def settlement_date(elements: Mapping[int, str], today: date) -> date | None:
    """Read DE15, ``MMDD``, with the year that puts it nearest to today.

    Raises ``Declined`` (30) for a day that does not exist.
    """
    if SETTLEMENT_DATE not in elements:
        return None
    return _nearest_day(elements[SETTLEMENT_DATE], today)


@lru_cache(64)
def _nearest_day(text: str, today: date) -> date:
    month, day = int(text[:2]), int(text[2:])
    days = []
    for year in (today.year, today.year - 1, today.year + 1):
        with suppress(ValueError):
            days.append(date(year, month, day))
            if abs(days[-1] - today) < HALF_YEAR:
                return days[-1]
    if not days:
        raise Declined(Outcome.FORMAT_ERROR, "DE015 is no day", data_element=SETTLEMENT_DATE)
    return min(days, key=lambda day: abs(day - today))
