"""One PIN check of a card at a time: who has the turn, and who waits for it, in order."""

from collections import deque
from collections.abc import Container

from atm_switch.switch.effects import Ticket


class Turns:
    """The cards whose PIN is being verified, each with the tickets that wait."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: dict[bytes, deque[Ticket]] = {}

    def take(self, card: bytes, ticket: Ticket) -> bool:
        """Take the turn of a card, or queue for it and return false."""
        if card in self._waiting:
            self._waiting[card].append(ticket)
            return False
        self._waiting[card] = deque()
        return True

    def pass_on(self, card: bytes, still_wait: Container[Ticket]) -> Ticket | None:
        """End a turn: return the next ticket that still waits; it has the turn now."""
        queue = self._waiting[card]
        while queue:
            ticket = queue.popleft()
            if ticket in still_wait:
                return ticket
        del self._waiting[card]
        return None
