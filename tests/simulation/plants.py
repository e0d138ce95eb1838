"""Bugs to be found: seams that break a promise on purpose.

A simulation that finds none of these would be a check that cannot fail.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plant:
    """What is broken; nothing, as it stands."""

    forgets_repeats: bool = False
    """Nothing is ever found to be a repeat."""
    lies_about_sync: bool = False
    """The disk says synced and is some commits behind when the power goes."""
    answers_early: bool = False
    """A row B is called durable before it is written."""
    mixes_accounts: bool = False
    """The ledger's answer now and then is somebody else's."""
    leaves_doubts: bool = False
    """A start ends nothing that an earlier life left in doubt."""
    loses_events: bool = False
    """An event counts as acknowledged although the broker never had it."""
    tries_uncounted: bool = False
    """A PIN try is granted and not written down."""


NONE = Plant()
PLANTS = {
    "forgets-repeats": Plant(forgets_repeats=True),
    "lies-about-sync": Plant(lies_about_sync=True),
    "answers-early": Plant(answers_early=True),
    "mixes-accounts": Plant(mixes_accounts=True),
    "leaves-doubts": Plant(leaves_doubts=True),
    "loses-events": Plant(loses_events=True),
    "tries-uncounted": Plant(tries_uncounted=True),
}
"""By the name the command line knows."""
