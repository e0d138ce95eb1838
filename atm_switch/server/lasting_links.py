"""Links that have come are kept out of the search for garbage.

Why: a full collection goes over every object there is in one go; beside ten thousand idle links
that took 50 ms of the loop's time, and whoever asked meanwhile waited for it.
Plan: whenever so many more links stand, what there is by then is frozen: collections from then on
pass it by.  It is freed with its last reference, as ever; only a circle of references stays, and
a link that ends leaves none, nor does a request.  The young are collected before, for they are
what circles are found among.  Once half of the links are gone all is thawed, looked through and
frozen again, so that what else has become garbage - a broker's client, settings of before - does
not heap up over a life of years.  That takes 36 ms or more where ten thousand links left, so it
waits until nobody has asked for a second, and for a day at most, or until half of the links that
came meanwhile are gone as well: a transport of asyncio's own loop holds itself, and peers that come
and go by hundreds would have them heap up.  Meanwhile garbage is looked for
seldom: a request leaves none in circles, and every look goes over all that is under way.
Limits: of the whole process; the fewer links, the less there is to go over, and nothing is frozen.
"""

import gc
from typing import Final

from atm_switch.server.spread import TICK_SECONDS

FROZEN_AT: Final = 500
"""So many links take a full collection some two milliseconds."""
YOUNG: Final = 1
"""The generation up to which is collected before: some thousand objects."""
QUIET_TICKS: Final = int(1.0 / TICK_SECONDS)
OWED_TICKS_MAX: Final = int(24 * 3600 / TICK_SECONDS)

MADE_BETWEEN_LOOKS: Final = 5_000
"""So many objects more than went make a look at the young: as many as a dozen requests under way
have, and a fifth of a millisecond."""


def settle() -> None:
    """Freeze what a start made, and look for garbage as seldom as a running switch needs it."""
    gc.set_threshold(MADE_BETWEEN_LOOKS, *gc.get_threshold()[1:])
    gc.freeze()
    clear_away()


def clear_away() -> None:
    """Look through all that is not frozen.

    That takes two milliseconds beside some hundred links, and where keys were read anew one more
    for each thousand.  Also gives back what the interpreter keeps of objects that went, some of
    which only grows: a tuple that was cut to its size is of no use for the next one.  And the
    interpreter waits for a fourth more than the last full look went over before it takes the next
    by itself; the last before what a start made was frozen went over all of that.
    """
    gc.collect()


class LastingLinks:
    """Goes by how many stand; to be told once a tick."""

    def __init__(self) -> None:
        """Begin with none."""
        self._frozen = 0
        """How many stood when what there is was frozen last, or when half were gone."""
        self._quiet_ticks = 0
        self._owed_ticks: int | None = None
        """For how long what is frozen has been waiting to be looked through, if it is."""

    def tick(self, standing: int, *, is_quiet: bool) -> None:
        """Freeze what there is where so many more stand; look through it where half are gone.

        ``is_quiet``: nobody has asked since the last tick.
        """
        self._quiet_ticks = self._quiet_ticks + 1 if is_quiet else 0
        if standing >= self._frozen + FROZEN_AT:
            gc.collect(YOUNG)
            gc.freeze()
            self._frozen = standing
        elif self._frozen >= FROZEN_AT and 2 * standing <= self._frozen:
            self._frozen = standing
            self._owed_ticks = 0 if self._owed_ticks is None else OWED_TICKS_MAX
        if self._owed_ticks is not None:
            self._owed_ticks += 1
            if self._quiet_ticks >= QUIET_TICKS or self._owed_ticks > OWED_TICKS_MAX:
                self._look_through(standing)

    def _look_through(self, standing: int) -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._frozen, self._owed_ticks = standing, None
