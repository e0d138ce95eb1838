"""0400, 0401, 0420, 0421: a balance inquiry moves no money, so there is nothing to undo.

They are acknowledged without effect (domain.md 4.6, assumed), from a link that signed on.
"""

from atm_switch.domain.errors import Declined
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.presence import check_presence
from atm_switch.messages.responses import answer
from atm_switch.switch.case import Case, Response
from atm_switch.switch.compose import declined
from atm_switch.switch.ports import Steps


def reversal(case: Case) -> Steps[Response | None]:
    """Acknowledge one reversal."""
    yield from ()
    try:
        _admit(case)
    except Declined as no:
        return declined(case, no)
    code = case.profile.code_of(Outcome.APPROVED)
    return Response(answer(case.message, case.rule, code), Outcome.APPROVED, "nothing to undo")


def _admit(case: Case) -> None:
    signed_on_as, message = case.session.signed_on_as, case.message
    check_presence(case.elements, case.rule)
    if signed_on_as is None:
        raise Declined(Outcome.NOT_SIGNED_ON, "the link has not signed on")
    if 32 in message and AcquirerId(message[32]) != signed_on_as:
        raise Declined(Outcome.ACQUIRER_NOT_ALLOWED, "DE032 is not who signed on")
