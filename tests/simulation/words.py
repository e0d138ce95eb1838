"""What a terminal says, as values: requests with what is true of them."""

from dataclasses import dataclass

from atm_switch.wire.message import IsoMessage
from tests.simulation.town import Holder

Key = tuple[str, str, str, str, str]
"""DE32, 41, 7, 11, 37: what makes two requests the same transaction."""


def key_of(message: IsoMessage) -> Key:
    """Return the key of a request or of its answer."""
    return message.get(32), message.get(41), message.get(7), message.get(11), message.get(37)


@dataclass(frozen=True, slots=True)
class Said:
    """One inquiry as it was first said."""

    message: IsoMessage
    holder: Holder
    is_right: bool
    """Whether its PIN is."""
    at: float
    """Seconds of the run."""

    @property
    def key(self) -> Key:
        """What tells it from every other."""
        return key_of(self.message)

    @property
    def content(self) -> str:
        """DE22, the one element that altered requests differ in."""
        return self.message[22]
