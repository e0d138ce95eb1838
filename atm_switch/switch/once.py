"""A signed command counts once: its recording is answered and changes nothing."""

from collections.abc import Callable

from atm_switch.domain.errors import Declined, NeighbourUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.authentication import bank_of
from atm_switch.switch.case import Case
from atm_switch.switch.house import House
from atm_switch.switch.ports import Steps


def require_first(case: Case) -> None:
    """Raise ``Declined`` (94) where the same command was carried out before."""
    if case.is_replay:
        raise Declined(Outcome.DUPLICATE, "the same command was carried out before")


def once(
    case: Case, house: House, verb: Callable[[Case, House], Steps[None]], *, holds: bool = False
) -> Steps[None]:
    """Carry a command out, and remember it for as long as a recording could be fresh.

    One that was carried out before goes through marked as a replay: its verb decides
    whether it would change anything.  Raises ``Declined`` (65) where there are too many
    to remember.

    One that was refused is forgotten again.  One that a neighbour hindered is not where
    ``holds``: its sender sends another, and the recording of this one would bring the key in
    it back later.
    """
    bank, now = bank_of(case, house), case.received.monotonic
    if bank is None:  # nobody's command: the verb says no
        yield from verb(case, house)
        return
    rules = case.profile.inquiry
    # DE7 may lie as far ahead as behind, so a recording is fresh for two windows.
    seconds = 2 * rules.de7_window_seconds or rules.repeat_window_seconds
    case.is_replay = house.accepted.has(bank.acquirer, case.message, now)
    if not case.is_replay and not house.accepted.take(bank.acquirer, case.message, now, seconds):
        raise Declined(Outcome.TOO_MANY_INQUIRIES, "too many commands within the window")
    try:
        yield from verb(case, house)
    except (Declined, NeighbourUnavailable) as hindered:
        is_kept = holds and isinstance(hindered, NeighbourUnavailable)
        if not case.is_replay and not is_kept:
            house.accepted.let_go(bank.acquirer, case.message)
        raise
