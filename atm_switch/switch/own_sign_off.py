"""The switch's own 0800 sign-off: said on lines it dialled and signed on to, when it stops.

Plan: from the moment it is said the line counts as signed off here, and what the bank still
asks gets 58.  The bank's answer, told by DE7, DE11 and DE70, only ends the wait for it.
"""

from contextlib import suppress

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant
from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import Note
from atm_switch.switch.house import House
from atm_switch.switch.own_request import key_of, own_request, said
from atm_switch.switch.ports import AuditRecord, KeepRecord, Steps, ask
from atm_switch.switch.session import Session
from atm_switch.wire.message import IsoMessage


def stands(session: Session) -> bool:
    """Tell whether this switch has signed on here by itself, and so is to sign off."""
    return session.signing_on is not None and session.signed_on_as is not None


def sign_off(session: Session, house: House, now: Instant) -> tuple[Case, Steps[Response]]:
    """Make our sign-off, and the steps that record and sign it."""
    acquirer = session.signed_on_as
    case = own_request(session, house, now, session.dialect.profile.network.sign_off, acquirer)
    session.end_sign_on()
    session.signing_on = None
    session.signing_off = key_of(case.message)
    note = Note("sign-off sent", {"link": session.link, "peer": session.peer})
    return case, _said(case, acquirer, note)


def answered_sign_off(session: Session, message: IsoMessage) -> Note | None:
    """End the wait, if this is the answer to our sign-off."""
    if message.mti != "0810" or session.signing_off != key_of(message):
        return None
    session.signing_off = None
    return Note("signed off", {"link": session.link, "peer": session.peer})


def _said(case: Case, acquirer: AcquirerId | None, note: Note) -> Steps[Response]:
    session = case.session
    record = AuditRecord("sign-off", session.peer, f"acquirer {acquirer}", "the switch signed off")
    with suppress(NeighbourUnavailable):  # it is said all the same: nothing is opened by it
        yield from ask(KeepRecord(record))
    response = yield from said(case, note)
    if response.is_silent:
        session.signing_off = None  # there is no answer to wait for
    return response
