"""What the switch says by itself on a link, and what it makes of the answers.

Plan: echo, sign-on, sign-off and deliveries of keys are all that it ever asks of a peer.  An answer
belongs to one of them or is counted, noted with the keys seen and wanted, and dropped.
"""

from atm_switch.domain.instant import Instant
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import Close, Note
from atm_switch.switch.house import House
from atm_switch.switch.key_exchange import answered_offer
from atm_switch.switch.notes import note_of_unmatched
from atm_switch.switch.own_echo import echo, is_answer_to_echo, is_echo_due, unanswered_echo
from atm_switch.switch.own_sign_off import answered_sign_off
from atm_switch.switch.own_sign_on import (
    answered_sign_on,
    is_answer_to_sign_on,
    is_sign_on_due,
    no_longer_signed_on,
    sign_on,
    unanswered_sign_on,
)
from atm_switch.switch.ports import Steps
from atm_switch.switch.session import Session
from atm_switch.wire.framing import Frame
from atm_switch.wire.message import IsoMessage

Word = tuple[Case, Steps[Response] | Steps[Response | None]]
"""A corridor to begin."""


def due(session: Session, house: House, now: Instant) -> Word | Close | None:
    """Return what is to be said on a link now, or its end where the peer says nothing."""
    policy = house.policy
    overdue = unanswered_echo(session, policy, now) or unanswered_sign_on(session, policy, now)
    if overdue is not None:
        return overdue
    if is_sign_on_due(session, now):
        return sign_on(session, house, now)
    return echo(session, house, now) if is_echo_due(session, policy, now) else None


def heard(
    session: Session, message: IsoMessage, frame: Frame, house: House, now: Instant
) -> Word | Note | None:
    """Take an answer that came in."""
    stan = message.get(11)
    if is_answer_to_echo(session, stan):
        is_yes = message.get(39) == session.dialect.profile.code_of(Outcome.APPROVED)
        is_lost = session.signing_on is not None and not is_yes
        return no_longer_signed_on(session, now) if is_lost else None
    is_over = answered_sign_off(session, message)
    if is_over is not None:
        return is_over
    rule = session.dialect.profile.messages["network"]
    case = Case(message, None, rule, session, now, now, payload=frame.payload)
    if is_answer_to_sign_on(session, message):
        return case, answered_sign_on(case, house)
    offer = session.offers.get(stan) if message.mti == "0810" else None
    if offer is not None and (message.get(7), message.get(70)) == (offer.stamp, offer.code):
        return case, answered_offer(case, offer, house)
    session.ignored_responses += 1
    # The 1st, 2nd, 4th, 8th...: a peer that answers what nobody asked fills no disk.
    is_told = session.ignored_responses.bit_count() == 1
    return note_of_unmatched(session, message) if is_told else None
