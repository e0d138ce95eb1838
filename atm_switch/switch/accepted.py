"""Which signed commands were carried out lately, so that a recorded one moves nothing.

Plan: a command is known by its terminal, moment, number and code (DE41, 7, 11, 70), for
each bank apart, whatever link it comes over.  It is taken in before it is carried out, so
that of two copies at once one wins, and let go again if it was refused.  The journal keeps
those that were carried out, and a start recalls them.
Limits: bounded for each bank; beyond that its next command is refused, for to forget one
too early would be to let its recording in.
Why not the window of DE7 alone: within it a recording is as fresh as the original.
"""

from collections import OrderedDict

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.wire.message import IsoMessage

ACCEPTED_MAX = 50_000
"""Commands remembered for one bank: a restart of all its terminals, several times over."""

_IDENTITY = (41, 7, 11, 70)


class Accepted:
    """The commands of all banks, each for as long as a recording of it could be fresh."""

    def __init__(self, most: int = ACCEPTED_MAX) -> None:
        """Remember at most so many for each bank."""
        self._most = most
        self._until: dict[AcquirerId, OrderedDict[str, float]] = {}

    def has(self, acquirer: AcquirerId, command: IsoMessage, now: float) -> bool:
        """Tell whether it was taken in, at ``now`` (monotonic seconds)."""
        return identity_of(command) in self._fresh(acquirer, now)

    def take(self, acquirer: AcquirerId, command: IsoMessage, now: float, seconds: float) -> bool:
        """Take a new command in for so long; false where there is no room for it."""
        fresh = self._fresh(acquirer, now)
        if len(fresh) >= self._most:
            return False
        fresh[identity_of(command)] = now + seconds
        return True

    def let_go(self, acquirer: AcquirerId, command: IsoMessage) -> None:
        """Forget a command that was not carried out after all."""
        self._until.get(acquirer, OrderedDict()).pop(identity_of(command), None)

    def recall(self, acquirer: AcquirerId, identity: str, until: float) -> None:
        """Take in what was carried out before a restart, the earliest ``until`` first."""
        self._until.setdefault(acquirer, OrderedDict())[identity] = until

    def _fresh(self, acquirer: AcquirerId, now: float) -> OrderedDict[str, float]:
        known = self._until.setdefault(acquirer, OrderedDict())
        while known and next(iter(known.values())) <= now:
            known.popitem(last=False)
        return known


def identity_of(command: IsoMessage) -> str:
    """Write what tells a command from every other of its bank; nothing in it is secret."""
    return "|".join(command.get(number) for number in _IDENTITY)
