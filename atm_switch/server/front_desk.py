"""What a line says, and to whom: the desk as a line sees it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from atm_switch.domain.errors import FramingError
from atm_switch.domain.instant import Instant
from atm_switch.server.entrance import Entrance
from atm_switch.wire.framing import Frame

L_contra = TypeVar("L_contra", contravariant=True)
"""The lines it knows."""


class FrontDesk(Protocol[L_contra]):
    """Takes what lines of one kind say."""

    clock: Callable[[], Instant]

    def admit(self, line: L_contra, host: str, entrance: Entrance) -> str:
        """Take a new connection, or say why not."""

    def opened(self, line: L_contra, entrance: Entrance) -> None:
        """Hear that a link is ready for frames."""

    def never_opened(self, line: L_contra, why: str) -> None:
        """Hear that a connection ended before it was ready."""

    def received(self, line: L_contra, frame: Frame, began: float, served_max: int = 0) -> None:
        """Take one frame, whose first byte came at ``began`` (monotonic seconds) or later.

        ``served_max``: so many requests of the link are served at once, and others declined; 0
        is no limit.
        """

    def framing_broken(self, line: L_contra, fault: FramingError) -> None:
        """Hear that a stream cannot be read on."""

    def in_flight_of(self, line: L_contra) -> int:
        """Count what a link has under way."""

    def room_of_each(self, limit: int) -> int:
        """Return how many requests a link may have under way that may have ``limit`` at most."""

    def lost(self, line: L_contra, why: str) -> None:
        """Forget a link that is gone."""

    def later(self, call: Callable[[], None]) -> None:
        """Do something in the next turn of the loop."""
