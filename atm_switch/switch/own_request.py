"""An 0800 of the switch's own: what echo, sign-on, sign-off and a delivery have in common."""

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant, transmission_stamp
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.authentication import ready_to_sign, with_mac
from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import Note
from atm_switch.switch.house import House
from atm_switch.switch.ports import Steps
from atm_switch.switch.session import Session
from atm_switch.wire.message import IsoMessage

Key = tuple[str, str, str]
"""DE7, DE11 and DE70: what a request and its answer share."""


def key_of(message: IsoMessage) -> Key:
    """Read what ties an 0810 to its 0800."""
    return message.get(7), message.get(11), message.get(70)


def own_request(
    session: Session, house: House, now: Instant, code: str, acquirer: AcquirerId | None = None
) -> Case:
    """Make an 0800 with this DE70, of this moment and under our next STAN, ready to be signed.

    It names the bank in DE32 where ``acquirer`` is given.
    """
    elements = {7: transmission_stamp(now.utc), 11: house.next_stan(), 70: code}
    if acquirer is not None:
        elements[32] = acquirer.text
    message = IsoMessage("0800", dict(sorted(elements.items())))
    rule = session.dialect.profile.messages["network"]
    case = Case(message, None, rule, session, now, now)
    ready_to_sign(case, house)
    return case


def said(case: Case, note: Note) -> Steps[Response]:
    """Sign our own request and have it sent, which ``note`` tells.

    Where no MAC can be made nothing leaves, and the note says that instead: there is nothing to
    decline, and unsigned the peer would not believe it.  The response is silent then.
    """
    try:
        payload = case.session.dialect.pack(case.message)
        request = Response(case.message, Outcome.APPROVED, payload=payload, note=note)
        return (yield from with_mac(case, request))
    except (NeighbourUnavailable, ValueError) as silent:
        fields = {**note.fields, "why": str(silent)}
        unsaid = Note(note.event.replace(" sent", " not sent"), fields, is_alarm=True)
        return Response(case.message, Outcome.INTERNAL_ERROR, note=unsaid, is_silent=True)
