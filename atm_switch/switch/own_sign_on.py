"""The switch's own 0800 sign-on: on lines it dialled itself, and again whenever it is lost.

Plan: a dialled line signs on as soon as it is up.  The bank's 0810 counts where its DE7,
DE11 and DE70 are those we sent and its MAC is right; until then the wait goes on, so that
nothing but the bank's own word ends it.  A refusal, and a sign-off of the bank, is followed
by another try after ``AGAIN_SECONDS``; a silent bank loses the line.
"""

from dataclasses import replace
from math import inf

from atm_switch.domain.errors import Declined, NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.authentication import authenticate
from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import Close, Note
from atm_switch.switch.house import House
from atm_switch.switch.own_request import key_of, own_request, said
from atm_switch.switch.policy import SwitchPolicy
from atm_switch.switch.ports import AuditRecord, KeepRecord, Steps, ask
from atm_switch.switch.session import Session, SigningOn
from atm_switch.wire.message import IsoMessage

AGAIN_SECONDS = 10.0
"""From a refusal, or the bank's sign-off, until the switch signs on again."""


def is_sign_on_due(session: Session, now: Instant) -> bool:
    """Tell whether a dialled line is to sign on now."""
    ours = session.signing_on
    if ours is None or ours.key is not None or session.signed_on_as is not None:
        return False
    return now.monotonic >= ours.due_at


def unanswered_sign_on(session: Session, policy: SwitchPolicy, now: Instant) -> Close | None:
    """Return the end of a line whose bank says nothing to our sign-on for too long."""
    ours = session.signing_on
    if ours is None or ours.key is None:
        return None
    is_late = now.monotonic - ours.sent_at > policy.echo_answer_seconds
    return Close(session.link, "our sign-on was not answered") if is_late else None


def sign_on(session: Session, house: House, now: Instant) -> tuple[Case, Steps[Response]]:
    """Make our sign-on, and the steps that sign it."""
    code = session.dialect.profile.network.sign_on
    case = own_request(session, house, now, code, session.default_acquirer)
    session.signing_on = SigningOn(now.monotonic, key_of(case.message), inf)
    return case, _sent(case)


def _sent(case: Case) -> Steps[Response]:
    """Say it, and wait for the answer from then on; one that cannot be signed is tried again."""
    session = case.session
    note = Note("sign-on sent", {"link": session.link, "peer": session.peer})
    response = yield from said(case, note)
    ours = session.signing_on
    if response.is_silent:
        postpone(session, case.now)
    elif ours is not None:
        session.signing_on = replace(ours, sent_at=case.now.monotonic)
    return response


def is_answer_to_sign_on(session: Session, message: IsoMessage) -> bool:
    """Tell whether a response has the key of our sign-on."""
    ours = session.signing_on
    if ours is None or ours.key is None:
        return False
    return message.mti == "0810" and key_of(message) == ours.key


def answered_sign_on(case: Case, house: House) -> Steps[Response | None]:
    """Take the bank's word: the line is signed on once that is recorded, or tries again."""
    session = case.session
    try:
        yield from authenticate(case, house)
        if not is_answer_to_sign_on(session, case.message):
            return None  # another answer was faster while the MAC was checked
        postpone(session, case.now)
        yield from _stand(case, house)
    except Declined as no:
        return _said("sign-on refused", case, no.reason, no.outcome)
    except NeighbourUnavailable as silent:
        return _said("sign-on refused", case, str(silent), Outcome.INTERNAL_ERROR)
    return _said("signed on", case, "", Outcome.APPROVED)


def postpone(session: Session, now: Instant) -> None:
    """End the wait for an answer; the next sign-on, if one is needed, is some seconds off."""
    if session.signing_on is not None:
        session.signing_on = SigningOn(now.monotonic + AGAIN_SECONDS)


def no_longer_signed_on(session: Session, now: Instant) -> Note:
    """Take a bank at its word that it knows nothing of our sign-on: do it anew at once."""
    session.end_sign_on()
    session.signing_on = SigningOn(now.monotonic)
    return Note("sign-on lost", {"link": session.link, "peer": session.peer}, is_alarm=True)


def _stand(case: Case, house: House) -> Steps[None]:
    session, acquirer = case.session, case.session.default_acquirer
    code = case.message.get(39)
    if code != case.profile.code_of(Outcome.APPROVED):
        raise Declined(Outcome.NOT_SIGNED_ON, f"the bank answered {code or 'without DE039'}")
    if acquirer is None:
        raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "the line has no acquirer")
    _see_certificate(acquirer, session, house)
    if session.signed_on_as != acquirer:
        session.end_sign_on()  # what the bank said for another one does not stand for this one
    # At once: inquiries may follow in the same segment.  Unrecorded it does not stand.
    session.stand_alone(acquirer)
    detail = "the switch signed on"
    try:
        record = AuditRecord("sign-on", session.peer, f"acquirer {acquirer}", detail)
        yield from ask(KeepRecord(record))
    except NeighbourUnavailable:
        session.stand_alone(None)
        raise


def _see_certificate(acquirer: AcquirerId, session: Session, house: House) -> None:
    names = house.policy.acquirers[acquirer].certificate_names
    if names and not names & session.peer_names:
        reason = "the certificate is not one of this bank's"
        raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, reason)


def _said(event: str, case: Case, reason: str, outcome: Outcome) -> Response:
    """Send nothing: an answer is not answered.  The log has it."""
    session = case.session
    fields = {
        "link": session.link,
        "peer": session.peer,
        "bank": str(session.default_acquirer or ""),
        **({"reason": reason} if reason else {}),
    }
    note = Note(event, fields, is_alarm=outcome is not Outcome.APPROVED)
    return Response(case.message, outcome, reason, note=note, is_silent=True)
