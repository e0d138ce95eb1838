"""Two machines of one bank that run, and the balancer before them."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.doubles.balancer import Balancer
from tests.doubles.brokers import Subscriber
from tests.doubles.served import Served, serve
from tests.doubles.talk import HungUp, Talk, inquiry, stamp

CARD, PIN = "9990090000000012", "123456"
"""Of the sample's first member."""


@dataclass
class Fleet:
    """Both machines, running, and the balancer before them."""

    folders: tuple[Path, Path]
    served: list[Served]
    balancer: Balancer
    running: ExitStack
    subscriber: Subscriber

    def talk(self, at: int) -> Talk:
        """Sign on at one of the machines."""
        return Talk.of(self.served[at].port, self.folders[at])

    def talk_to_any(self) -> Talk:
        """Sign on wherever the balancer sends us."""
        return Talk.of(self.balancer.port, self.folders[0])

    def start_again(self, at: int) -> None:
        """Start a machine that was killed, on whatever port it gets now."""
        self.served[at] = self.running.enter_context(serve(self.folders[at]))
        self.balancer.moved(at, self.served[at].port)

    def talk_again(self) -> Talk:
        """Connect until a machine that lives takes us."""
        for _ in range(100):
            try:
                return self.talk_to_any()
            except HungUp:
                continue
        message = "no machine takes a link"
        raise AssertionError(message)


def asked(talk: Talk, number: int, pin: str, sent: str = "", card: str = CARD) -> str:
    """Ask for the balance of a card and return DE39."""
    elements = {2: card, 7: sent or stamp(), 52: talk.pin_block(pin, card)}
    return talk.ask(inquiry(number, elements))[39]
