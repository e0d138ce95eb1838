"""Links that have come are kept out of the search for garbage.

Why: a full collection goes over every object there is in one go; beside ten thousand idle links
that took 50 ms of the loop's time, and whoever asked meanwhile waited for it.
Plan: whenever so many more links stand, what there is by then is frozen: collections from then on
pass it by.  It is freed with its last reference, as ever; only a circle of references stays, and
a link that ends leaves none, nor does a request.  The young are collected before, for they are
what circles are found among.  Once half of the links are gone all is thawed, looked through and
frozen again, so that what else has become garbage - a broker's client, settings of before - does
not heap up over a life of years.
Limits: of the whole process; the fewer links, the less there is to go over, and nothing is frozen.
"""

import gc
from typing import Final

FROZEN_AT: Final = 500
"""So many links take a full collection some two milliseconds."""
YOUNG: Final = 1
"""The generation up to which is collected before: some thousand objects."""


class LastingLinks:
    """Goes by how many stand; to be told once a tick."""

    def __init__(self) -> None:
        """Begin with none."""
        self._frozen = 0
        """How many stood when what there is was frozen last."""

    def tick(self, standing: int) -> None:
        """Freeze what there is where so many more stand; look through it where half are gone."""
        if standing >= self._frozen + FROZEN_AT:
            gc.collect(YOUNG)
        elif self._frozen >= FROZEN_AT and 2 * standing <= self._frozen:
            gc.unfreeze()
            gc.collect()
        else:
            return
        gc.freeze()
        self._frozen = standing
