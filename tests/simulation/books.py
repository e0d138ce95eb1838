"""What became of every inquiry that was handed to one life of the switch.

Plan: counted where a line hands a frame over, where the core notes an ending, and where the
core itself keeps what is under way.  At the end of a life the three must fit: received =
ended + under way.  What ended was answered, was too late to be, or its line was gone.
"""

from collections import Counter

from atm_switch.server.desk import Desk
from atm_switch.server.line import Line
from atm_switch.switch.effects import LinkId, Note
from atm_switch.switch.house import House
from atm_switch.switch.switch import Switch
from atm_switch.wire.framing import Frame
from tests.simulation.fairness import Fairness

INQUIRIES = ("0200", "0201")


class Books:
    """Inquiries by link."""

    def __init__(self) -> None:
        """Begin with none."""
        self.received = Counter[LinkId]()
        self.ended = Counter[LinkId]()
        """Done with, whether or not somebody was still there to be told."""
        self.answered = Counter[LinkId]()
        self.late = Counter[LinkId]()
        self.cut_off = 0
        """What a worker that died had under way, where others went on."""

    def noted(self, note: Note) -> None:
        """Hear what the core notes."""
        fields = note.fields
        is_end = note.event == "unreadable message" or "outcome" in fields
        if is_end and fields.get("mti") in INQUIRIES:
            link = fields["link"]
            self.ended[link] += 1
            self.late[link] += bool(fields.get("late"))

    @property
    def unended(self) -> int:
        """How many were received and are not done with."""
        return self.received.total() - self.ended.total() - self.cut_off

    def account(self) -> Counter[str]:
        """Say what became of them."""
        answered, late = self.answered.total(), self.late.total()
        return Counter({
            "inquiries": self.received.total(), "inquiries answered": answered,
            "inquiries too late": late, "inquiries whose line was gone":
            self.ended.total() - answered - late, "inquiries cut off by a crash": self.unended,
            "inquiries cut off with a worker": self.cut_off,
        })  # fmt: skip


class CountingDesk(Desk):
    """The desk, telling of every frame that lines hand to it."""

    books: Books
    fairness: Fairness
    swallows = False
    """A planted bug: now and then a frame gets lost inside."""

    def received(self, line: Line, frame: Frame, began: float, served_max: int = 0) -> None:
        """Count, then take."""
        self.fairness.handed(line.link, frame.payload)
        is_inquiry = frame.payload[:4].decode("latin-1") in INQUIRIES
        self.books.received[line.link] += is_inquiry
        if self.swallows and is_inquiry and self.books.received.total() % 50 == 0:
            return
        super().received(line, frame, began, served_max)


def under_way(switch: Switch, house: House) -> int:
    """Count the inquiries that a switch has taken and not ended."""
    cases = [one.case for one in switch._open.values()]
    cases += [case for flight in house.flights.values() for case in flight.waiting]
    return sum(case.message.mti in INQUIRIES for case in cases)
