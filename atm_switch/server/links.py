"""Names for links, for the core: numbers that no two connections of a process share."""

import itertools

LINKS = itertools.count(1)
