"""The answers to what cannot be read and what is not known: 30, 12, and 63 for a torn MAC."""

from atm_switch.domain.errors import Declined, FormatError
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.authentication import MAC_ELEMENTS
from atm_switch.messages.mti import is_response
from atm_switch.messages.responses import refusal
from atm_switch.profile.model import MessageRule, Profile
from atm_switch.switch.authentication import ready_to_sign, signed
from atm_switch.switch.case import Case, Response
from atm_switch.switch.compose import declined
from atm_switch.switch.house import House
from atm_switch.switch.notes import note_of_unknown, note_of_unreadable
from atm_switch.switch.ports import Steps


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


def mistaken(case: Case, place: str) -> Response | None:
    """Answer for a mistake of ours: 96.  Nothing where the message is an answer itself."""
    if is_response(case.message.mti):
        return None
    return declined(case, Declined(Outcome.INTERNAL_ERROR, place))
