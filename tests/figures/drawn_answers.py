"""Answers of chance to a message that was read: the fast representation beside the plain one.

Plan: an answer echoes some of a request's elements and has new ones; it is made of the
request as the packager read it, and once more of nothing but the texts, and both are
changed alike.  They must be equal, and what the packager writes of one must be what the
reference writes of the other; every few times a new value is spoilt, and then both refuse
with the same words.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

SPOILT_ONE_IN = 8
MTIS = ("0210", "0810", "0430")

Values = Callable[[int], str]
"""Draws a value for an element."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How requests of one set of elements may be answered, time and again."""

    mti: str
    echo: frozenset[int]
    given: tuple[int, ...]
    dropped: tuple[int, ...]
    """Taken out of the answer afterwards."""
    added: int | None
    """Put in, or written anew, afterwards."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one answer."""

    is_alike: bool
    by_plan: bool


def manner(profile: Profile, asked: Sequence[int], chance: random.Random) -> Manner:
    """Draw one, for requests that have the elements ``asked``."""
    known = sorted(profile.elements)
    echo = chance.sample(asked, chance.randint(0, len(asked)))
    given = chance.sample(known, chance.randint(0, min(8, len(known))))
    dropped = [chance.choice([*echo, *given])] if (echo or given) and chance.random() < 0.5 else []
    added = chance.choice(known) if chance.random() < 0.5 else None
    return Manner(chance.choice(MTIS), frozenset(echo), tuple(given), tuple(dropped), added)


def answered(
    packager: Packager, request: IsoMessage, how: Manner, values: Values, chance: random.Random
) -> Outcome:
    """Answer ``request``, which the packager has read, in both ways, and compare."""
    put = {number: values(number) for number in how.given}
    if put and chance.randrange(SPOILT_ONE_IN) == 0:
        number = chance.choice(how.given)
        put[number] = _spoilt(put[number], chance)
    added = (how.added, values(how.added)) if how.added is not None else None
    echoed = {n: text for n, text in request.elements.items() if n in how.echo}
    plain = _changed(IsoMessage(how.mti, {**echoed, **put}), how.dropped, added)
    quick = _changed(request.answering(how.mti, how.echo, put), how.dropped, added)
    by_plan = packager.pack_by_plan(quick) is not None
    ours, reference = _written(packager.pack, quick), _written(packager.reference.pack, plain)
    return Outcome(is_alike=ours == reference and quick == plain, by_plan=by_plan)


def _changed(
    answer: IsoMessage, dropped: Sequence[int], added: tuple[int, str] | None
) -> IsoMessage:
    answer = answer.without(*dropped) if dropped else answer
    return answer.with_element(*added) if added else answer


def _spoilt(value: str, chance: random.Random) -> str:
    at = chance.randrange(len(value) + 1)
    kinds: Mapping[int, str] = {
        0: value[:at] + chance.choice("\n\x7f\xe9é٣aG!") + value[at + 1 :],
        1: value[:at] + value[at + 1 :],
        2: value + value[-1:] + "0",
        3: value.lower() + "x",
    }
    return kinds[chance.randrange(len(kinds))]


def _written(pack: Callable[[IsoMessage], bytes], message: IsoMessage) -> bytes | str:
    try:
        return pack(message)
    except ValueError as refusal:
        return str(refusal)
