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
    skips_macs: bool = False
    """Every MAC is taken for right."""
    signs_anew: bool = False
    """Answers are signed under the newest key, whatever the request came under."""
    knows_one_key: bool = False
    """A new key leaves no other beside it, from the moment it is taken."""
    forgets_keys: bool = False
    """A change of keys is said to be on disk and is not."""
    trusts_wall_clock: bool = False
    """Durations go by the wall clock, which jumps."""
    takes_stale: bool = False
    """DE7 may be of any time."""
    swallows_requests: bool = False
    """Now and then a request gets lost inside."""
    tells_another: bool = False
    """Now and then an event says what another one has said."""
    begins_twice: bool = False
    """A request that one worker is at work on is begun by another as well."""
    answers_twice: bool = False
    """What two workers have answered is kept twice."""
    keeps_news: bool = False
    """A worker does not hear that another has changed the keys."""
    tells_in_haste: bool = False
    """A change of keys is confirmed before the other worker has taken it up."""
    trusts_the_lost: bool = False
    """What was asked of a journal's writer that has died is taken for written."""

    @property
    def needs_workers(self) -> bool:
        """Whether it can show only in a seed that has two of them."""
        of_two = (self.begins_twice, self.answers_twice, self.keeps_news, self.tells_in_haste)
        return any(of_two) or self.trusts_the_lost


NONE = Plant()
PLANTS = {
    "forgets-repeats": Plant(forgets_repeats=True),
    "lies-about-sync": Plant(lies_about_sync=True),
    "answers-early": Plant(answers_early=True),
    "mixes-accounts": Plant(mixes_accounts=True),
    "leaves-doubts": Plant(leaves_doubts=True),
    "loses-events": Plant(loses_events=True),
    "tries-uncounted": Plant(tries_uncounted=True),
    "skips-macs": Plant(skips_macs=True),
    "signs-anew": Plant(signs_anew=True),
    "knows-one-key": Plant(knows_one_key=True),
    "forgets-keys": Plant(forgets_keys=True),
    "trusts-wall-clock": Plant(trusts_wall_clock=True),
    "takes-stale": Plant(takes_stale=True),
    "swallows-requests": Plant(swallows_requests=True),
    "tells-another": Plant(tells_another=True),
    "begins-twice": Plant(begins_twice=True),
    "answers-twice": Plant(begins_twice=True, answers_twice=True),
    "keeps-news": Plant(keeps_news=True),
    "tells-in-haste": Plant(tells_in_haste=True),
    "trusts-the-lost": Plant(trusts_the_lost=True),
}
"""By the name the command line knows."""
