"""How many requests may be under way: full at the limit, and again room at three quarters.

Why not room at one less: a crowd that hovers at the limit would have every second terminal
declined and the next one served, and the overload would begin and end many times a second.
"""

from dataclasses import dataclass

from atm_switch.switch.case import Case


@dataclass(slots=True)
class Crowd:
    """Who is inside.  A request that is declined for want of room does not count."""

    inside: int = 0
    is_full: bool = False

    def has_room(self, limit: int) -> bool:
        """Tell whether one more may enter where ``limit`` may be inside."""
        if self.inside >= limit:
            self.is_full = True
        elif self.inside <= 3 * limit // 4:
            self.is_full = False
        return not self.is_full

    def enter(self, case: Case) -> None:
        """Count a request in, here and on its link; once, however often it waits."""
        if not case.is_counted:
            case.is_counted = True
            case.session.in_flight += 1
            self.inside += not case.is_surplus

    def leave(self, case: Case) -> None:
        """Count a request out, if it ever waited."""
        if case.is_counted:
            case.is_counted = False
            case.session.in_flight -= 1
            self.inside -= not case.is_surplus
