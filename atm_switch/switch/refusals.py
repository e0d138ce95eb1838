"""The answers to what cannot be read and what is not known: 30, 12, and 63 for a torn MAC.

And the end of a link that brings too much of it.
"""

from atm_switch.domain.errors import Declined, FormatError
from atm_switch.domain.instant import Instant
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.authentication import MAC_ELEMENTS
from atm_switch.messages.mti import is_answerable, is_response
from atm_switch.messages.responses import refusal
from atm_switch.profile.model import MessageRule, Profile
from atm_switch.switch.authentication import count_refusal, ready_to_sign, signed
from atm_switch.switch.case import Case, Response
from atm_switch.switch.compose import declined
from atm_switch.switch.effects import Close, Effect
from atm_switch.switch.house import House
from atm_switch.switch.notes import (
    BAD_FRAMES,
    note_of_refused,
    note_of_unknown,
    note_of_unreadable,
)
from atm_switch.switch.ports import Steps
from atm_switch.switch.session import Session
from atm_switch.wire.bitmap import read_mti
from atm_switch.wire.framing import Frame
from atm_switch.wire.message import IsoMessage


def rule_of_strays(profile: Profile) -> MessageRule:
    """Return the rule of messages that have none: nothing is demanded, little is echoed."""
    nothing: frozenset[int] = frozenset()
    return MessageRule(
        name="refusal", mti=(), processing_codes=(), mandatory=nothing, optional=nothing,
        echo=profile.refusal_echo, response=frozenset({39, 44, *MAC_ELEMENTS}),
    )  # fmt: skip


def refuse_unreadable(case: Case, fault: FormatError, house: House) -> Steps[Response | None]:
    """Answer a message that cannot be read: 30, or 12 where not even its MTI is known."""
    profile = case.profile
    ready_to_sign(case, house)
    note = note_of_unreadable(case.session, fault)
    if profile.rule_of(fault.mti) is None:
        outcome, element = Outcome.UNSUPPORTED_TRANSACTION, None
    else:
        outcome, element = Outcome.FORMAT_ERROR, fault.data_element
    if case.signing is not None and fault.data_element in MAC_ELEMENTS:
        no = Declined(Outcome.MAC_WRONG, "the MAC is cut short or grown")
        yield from count_refusal(case, house, no.reason)
        response = declined(case, no)
    else:
        message = refusal(fault.mti, fault.readable, profile, outcome, element)
        response = Response(message, outcome, fault.reason)
    return (yield from signed(case, Response(response.message, response.outcome, note=note)))


def refuse_unknown(case: Case, house: House) -> Steps[Response | None]:
    """Answer a readable message of a kind the profile does not know: 12."""
    ready_to_sign(case, house)
    outcome, request = Outcome.UNSUPPORTED_TRANSACTION, case.message
    message = refusal(request.mti, request.elements, case.profile, outcome)
    note = note_of_unknown(case.session, request, message)
    return (yield from signed(case, Response(message, outcome, note=note)))


def stray(
    session: Session, message: IsoMessage, frame: Frame, now: Instant, began: float | None
) -> Case:
    """Return the case of a message that cannot be read or has no rule: it costs a strike."""
    rule = rule_of_strays(session.dialect.profile)
    return Case(message, frame.header, rule, session, now, now, began, is_stray=True)


def strike(session: Session, most: int | None, now: Instant) -> list[Effect]:
    """Count a bad frame, of which a link may have ``most`` a minute; end one that has too many.

    That it ends is noted once: what it had under way may be refused behind that.
    """
    was_out = session.is_struck_out
    why = session.struck_out(most, now.monotonic)
    if not why:
        return []
    close = Close(session.link, why)
    return [close] if was_out else [note_of_refused(session, BAD_FRAMES, why), close]


def failed_on(session: Session, frame: Frame, now: Instant, began: float | None) -> Case | None:
    """Return the case of a frame we failed on, with what can be read of it all the same.

    ``None`` where not even its MTI can, or where that asks for no answer.
    """
    dialect = session.dialect
    try:
        message = dialect.packager.unpack(frame.payload)
    except Exception:  # noqa: BLE001  it is what failed, or fails as well
        try:
            message = IsoMessage(read_mti(frame.payload, dialect.profile.encoding), {})
        except FormatError:
            return None
    if not is_answerable(message.mti):
        return None
    rule = rule_of_strays(dialect.profile)
    return Case(message, frame.header, rule, session, now, now, began)


def refuse_failed(case: Case, place: str, house: House) -> Steps[Response | None]:
    """Answer what a mistake of ours kept from its corridor: 96, and no row."""
    ready_to_sign(case, house)
    no = Declined(Outcome.INTERNAL_ERROR, place)
    return (yield from signed(case, declined(case, no)))


def mistaken(case: Case, place: str) -> Response | None:
    """Answer for a mistake of ours: 96.  Nothing where the message is an answer itself."""
    if is_response(case.message.mti):
        return None
    return declined(case, Declined(Outcome.INTERNAL_ERROR, place))
