"""A signed command counts once: its recording is answered and changes nothing.

What is about to be carried out is made durable first, so that a restart knows it too; a
crash between the two leaves a command that was not carried out and counts no more, and its
sender sends another.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from atm_switch.domain.errors import Declined, NeighbourUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.accepted import identity_of
from atm_switch.switch.authentication import bank_of
from atm_switch.switch.case import Case
from atm_switch.switch.house import House
from atm_switch.switch.ports import KeepCommand, Steps, ask


def require_first(case: Case) -> None:
    """Raise ``Declined`` (94) where the same command was carried out before."""
    if case.is_replay:
        raise Declined(Outcome.DUPLICATE, "the same command was carried out before")


def counted(case: Case, house: House, *, changes: bool = True) -> Steps[None]:
    """Make durable that this command counts, where it counts once.

    Raises ``NeighbourUnavailable`` where that cannot be: it must not be carried out then.
    Raises ``Declined`` (94) where it ``changes`` something and another process on the same
    journal has carried it out already.
    """
    bank = bank_of(case, house)
    if bank is None or case.fresh_until is None:
        return
    command = KeepCommand(bank.acquirer, identity_of(case.message), case.fresh_until)
    is_first = yield from ask(command)
    if changes and is_first is False and not case.is_replay:
        case.is_replay = True
        require_first(case)


def once(
    case: Case, house: House, verb: Callable[[Case, House], Steps[None]], *, holds: bool = False
) -> Steps[None]:
    """Carry a command out, and remember it for as long as a recording could be fresh.

    One that was carried out before goes through marked as a replay: its verb decides
    whether it would change anything.  Raises ``Declined`` (65) where there are too many
    to remember.

    One that was refused or hindered is forgotten again, but not where ``holds``: its sender
    sends another, and the recording of this one would bring the key in it back later.  A
    hindered one is held across restarts too; a refusal is not, lest refusals fill the journal.
    """
    bank, now = bank_of(case, house), case.received.monotonic
    if bank is None:  # nobody's command: the verb says no
        yield from verb(case, house)
        return
    rules = case.profile.inquiry
    # DE7 may lie as far ahead as behind, so a recording is fresh for two windows.
    seconds = 2 * rules.de7_window_seconds or rules.repeat_window_seconds
    case.fresh_until = case.received.utc + timedelta(seconds=seconds)
    case.is_replay = house.accepted.has(bank.acquirer, case.message, now)
    if not case.is_replay and not house.accepted.take(bank.acquirer, case.message, now, seconds):
        raise Declined(Outcome.TOO_MANY_INQUIRIES, "too many commands within the window")
    try:
        yield from verb(case, house)
    except (Declined, NeighbourUnavailable) as hindered:
        if holds and isinstance(hindered, NeighbourUnavailable):
            with suppress(NeighbourUnavailable):  # the memory of this process knows it anyhow
                yield from counted(case, house, changes=False)
        elif not (holds or case.is_replay):
            house.accepted.let_go(bank.acquirer, case.message)
        raise
