"""How many requests may be under way: full at the limit, and again room at three quarters.

Why not room at one less: a crowd that hovers at the limit would have every second terminal
declined and the next one served, and the overload would begin and end many times a second.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from atm_switch.switch.case import Case
from atm_switch.switch.policy import SwitchPolicy
from atm_switch.switch.session import Session

SURPLUS: Final = "too many requests under way"
"""Why a request is declined where the switch, or its link, has no room: that is overload."""
OF_TERMINAL: Final = "too many requests of this terminal under way"
"""Why it is where its terminal alone has too many."""


@dataclass(slots=True)
class Crowd:
    """Who is inside.  A request that is declined for want of room does not count."""

    inside: int = 0
    is_full: bool = False
    of_terminals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By the bank of the link and DE41, where that is limited."""

    def why_no_room(self, case: Case, policy: SwitchPolicy, served_max: int) -> str:
        """Return why a request has no room here, on its link or with its terminal; or empty."""
        if not self.has_room(policy.in_flight_max):
            return SURPLUS
        if served_max and not self.has_room_on(case.session, served_max):
            return SURPLUS
        has_room = self.has_room_for(case, policy.in_flight_per_terminal_max)
        return "" if has_room else OF_TERMINAL

    def has_room(self, limit: int) -> bool:
        """Tell whether one more may enter where ``limit`` may be inside."""
        if self.inside >= limit:
            self.is_full = True
        elif self.inside <= 3 * limit // 4:
            self.is_full = False
        return not self.is_full

    def has_room_for(self, case: Case, limit: int) -> bool:
        """Tell whether one terminal may have another under way; 0 is no limit."""
        bank = case.session.signed_on_as
        if not limit or bank is None:
            return True  # who has not signed on names any terminal, and is declined for that
        case.terminal_counted = bank.text, case.elements.get(41, "")
        return self.of_terminals[case.terminal_counted] < limit

    def has_room_on(self, session: Session, limit: int) -> bool:
        """Tell whether one more of a link may be served; those that are declined are not."""
        return session.in_flight - session.surplus < limit

    def enter(self, case: Case) -> None:
        """Count a request in, here and on its link; once, however often it waits."""
        if not case.is_counted:
            case.is_counted = True
            case.session.in_flight += 1
            self._count(case, 1)

    def leave(self, case: Case) -> None:
        """Count a request out, if it ever waited."""
        if case.is_counted:
            case.is_counted = False
            case.session.in_flight -= 1
            self._count(case, -1)

    def _count(self, case: Case, change: int) -> None:
        if case.no_room:
            case.session.surplus += change
            return
        self.inside += change
        if case.terminal_counted is not None:
            self.of_terminals[case.terminal_counted] += change
            if not self.of_terminals[case.terminal_counted]:
                del self.of_terminals[case.terminal_counted]
