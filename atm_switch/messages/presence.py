"""Which elements a message must, may and must not carry (security.md 4, check 7)."""

from atm_switch.domain.errors import Declined
from atm_switch.domain.outcome import Outcome
from atm_switch.profile.model import MessageRule
from atm_switch.wire.message import IsoMessage

MAC_PRIMARY, SECOND_BITMAP = 64, 65


def check_presence(message: IsoMessage, rule: MessageRule) -> None:
    """Raise ``Declined`` (format error, naming the element) for a missing or stray one."""
    present = frozenset(message.elements)
    missing = rule.mandatory - present
    if missing:
        raise _fault(min(missing), "is mandatory and missing")
    strays = present - rule.mandatory - rule.optional
    if strays:
        raise _fault(min(strays), "has no place in this message")
    _check_mac_place(message)


def _check_mac_place(message: IsoMessage) -> None:
    # A MAC covers all before it, so it is the last element or it is no MAC.
    if MAC_PRIMARY not in message:
        return
    if any(number > SECOND_BITMAP for number in message.elements):
        raise _fault(MAC_PRIMARY, "stands before the end of the message")


def _fault(number: int, what: str) -> Declined:
    return Declined(Outcome.FORMAT_ERROR, f"DE{number:03d} {what}", data_element=number)
