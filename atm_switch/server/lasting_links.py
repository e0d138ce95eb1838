"""Links that have come are kept out of the search for garbage.

Why: a full collection goes over every object there is in one go; beside ten thousand idle links
that took 50 ms of the loop's time, and whoever asked meanwhile waited for it.
Plan: whenever so many links have come, what there is by then is frozen: collections from then on
pass it by.  It is freed with its last reference, as ever; only a circle of references would stay,
and a link that ends leaves none, nor does a request.  The young are collected before, for they
are what circles are found among.
Limits: of the whole process; the fewer links, the less there is to go over, and nothing is frozen.
"""

import gc
from typing import Final

FROZEN_AT: Final = 500
"""So many links take a full collection some two milliseconds."""
YOUNG: Final = 1
"""The generation up to which is collected before: some thousand objects."""


class LastingLinks:
    """Counts those that come; to be asked once a tick."""

    def __init__(self) -> None:
        """Begin with none."""
        self._came = 0

    def came(self) -> None:
        """Count one."""
        self._came += 1

    def tick(self) -> None:
        """Freeze what there is, where so many have come since that was last done."""
        if self._came >= FROZEN_AT:
            self._came = 0
            gc.collect(YOUNG)
            gc.freeze()
