"""0800: sign-on, sign-off, echo, cut-over.  Sign-on belongs to one TCP link."""

from dataclasses import dataclass
from datetime import date, timedelta

from atm_switch.domain.errors import Declined
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.presence import check_presence
from atm_switch.messages.responses import answer, refusal
from atm_switch.profile.model import MessageRule
from atm_switch.switch.house import House
from atm_switch.switch.session import Session
from atm_switch.wire.message import IsoMessage

ACQUIRER, NETWORK_CODE, SETTLEMENT_DATE = 32, 70, 15


@dataclass(frozen=True, slots=True)
class NetworkResponse:
    """The 0810 and what the log says of it."""

    message: IsoMessage
    outcome: Outcome
    what: str
    reason: str = ""
    cut_over: tuple[AcquirerId, date] | None = None
    """A business date to keep, where one changed."""


def network_management(
    request: IsoMessage, rule: MessageRule, session: Session, house: House, now: Instant
) -> NetworkResponse:
    """Answer one 0800 and change the session as it says."""
    profile = session.dialect.profile
    codes = profile.network
    verbs = {
        codes.sign_on: ("sign-on", _sign_on),
        codes.sign_off: ("sign-off", _sign_off),
        codes.echo: ("echo", _echo),
        codes.cut_over: ("cut-over", _cut_over),
    }
    what, verb = verbs.get(request.get(NETWORK_CODE), ("unknown", _unknown))
    try:
        check_presence(request, rule)
        cut_over = verb(request, session, house, now)
    except Declined as no:
        if no.outcome is Outcome.FORMAT_ERROR:
            message = refusal(request.mti, request.elements, profile, no.outcome, no.data_element)
        else:
            message = answer(request, rule, profile.code_of(no.outcome))
        return NetworkResponse(message, no.outcome, what, no.reason)
    return NetworkResponse(
        answer(request, rule, profile.code_of(Outcome.APPROVED)),
        Outcome.APPROVED,
        what,
        cut_over=cut_over,
    )


def _sign_on(request: IsoMessage, session: Session, house: House, _now: Instant) -> None:
    acquirer = _acquirer_of(request, session, house)
    if session.signed_on_as not in (None, acquirer):
        raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "the link is signed on for another acquirer")
    session.signed_on_as = acquirer


def _acquirer_of(request: IsoMessage, session: Session, house: House) -> AcquirerId:
    known = house.policy.acquirers
    if ACQUIRER in request:
        named = AcquirerId(request[ACQUIRER])
        if named not in known or session.default_acquirer not in (None, named):
            raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "DE032 is not an acquirer of this line")
        return named
    if session.default_acquirer is not None:
        return session.default_acquirer
    if len(known) == 1:
        return next(iter(known))
    raise Declined(
        Outcome.FORMAT_ERROR, "DE032 is needed to tell the acquirers apart", data_element=ACQUIRER
    )


def _sign_off(_request: IsoMessage, session: Session, _house: House, _now: Instant) -> None:
    session.signed_on_as = None


def _echo(_request: IsoMessage, _session: Session, _house: House, _now: Instant) -> None:
    return None


def _cut_over(
    request: IsoMessage, session: Session, house: House, now: Instant
) -> tuple[AcquirerId, date]:
    acquirer = session.signed_on_as
    if acquirer is None:
        raise Declined(Outcome.NOT_SIGNED_ON, "cut-over before sign-on")
    current = house.business_date(acquirer, now)
    following = settlement_date(request, now) or current + timedelta(days=1)
    house.business_dates[acquirer] = following
    return acquirer, following


def _unknown(_request: IsoMessage, _session: Session, _house: House, _now: Instant) -> None:
    raise Declined(Outcome.UNSUPPORTED_TRANSACTION, "DE070 is not a code of the profile")


def settlement_date(request: IsoMessage, now: Instant) -> date | None:
    """Read DE15, ``MMDD``, with the year that puts it nearest to today.

    Raises ``Declined`` (30) for a day that does not exist.
    """
    if SETTLEMENT_DATE not in request:
        return None
    text, today = request[SETTLEMENT_DATE], now.jakarta_date()
    days = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            days.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    if not days:
        raise Declined(Outcome.FORMAT_ERROR, "DE015 is no day", data_element=SETTLEMENT_DATE)
    return min(days, key=lambda day: abs(day - today))
