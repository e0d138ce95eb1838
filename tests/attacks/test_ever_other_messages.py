"""Sound messages of ever other elements and lengths: what is remembered of them has an end.

Whoever may connect can send them, signed on or not: they are read before anything is asked
about them.  Of each combination the packager remembers where everything is, some kibibytes;
256 sets of elements and 512 combinations of lengths of each were 1.4 GiB, sent in a minute.
"""

import gc
import random
import tracemalloc
from collections.abc import Iterator
from itertools import cycle

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import HEADS_MAX, Packager
from atm_switch.wire.spelling import LAYOUTS_MAX, SHAPES_MAX, WRITINGS_MAX

FULL = 2 * max(HEADS_MAX, LAYOUTS_MAX, WRITINGS_MAX, SHAPES_MAX)
"""So many fill all there is, and more."""
GROWTH_MAX = 2 << 20
"""Bytes; as many again, remembered, are ten times that."""
NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")


def ever_other(seed: int) -> Iterator[IsoMessage]:
    """Yield sound messages without end, hardly two alike in their elements and lengths."""
    chance = random.Random(seed)  # noqa: S311 - lengths, not a key
    optional = {
        3: "310000",
        12: "080000",
        13: "1130",
        22: "051",
        49: "360",
        70: "301",
        90: "0" * 42,
    }
    for number in cycle(range(1_000_000)):
        elements = {11: f"{number:06d}", 41: "S1ABC123", 42: "BNI-00000000001"}
        elements |= {place: text for place, text in optional.items() if chance.random() < 0.5}
        for place in (32, 33, 100):
            elements[place] = "9" * chance.randint(1, 11)
        for place in (44, 48, 54, 60, 61, 62, 63, 102, 103, 120):
            elements[place] = "x" * chance.randint(5, 25)
        yield IsoMessage("0200", dict(sorted(elements.items())))


def answered(packager: Packager, message: IsoMessage) -> None:
    """Read a message and answer it, each twice: what is remembered is made then."""
    payload = packager.reference.pack(message)
    for _ in range(2):
        request = packager.unpack(payload)
        answer = request.answering("0210", frozenset({11, 41}), {39: "30"})
        assert "30" == packager.unpack(packager.pack(answer))[39]


@pytest.mark.parametrize("name", NAMES)
def test_memory_has_an_end(name: str) -> None:
    """Once full, as many messages again leave nothing behind; each is read and answered."""
    packager = Packager(load_profile(name))
    messages = ever_other(8583)
    kept = []
    tracemalloc.start()
    try:
        for _ in range(2):
            for _ in range(FULL):
                answered(packager, next(messages))
            gc.collect()
            kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()

    assert kept[1] - kept[0] < GROWTH_MAX, kept
