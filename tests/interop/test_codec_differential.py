"""The comparison with pyiso8583 finds what it is there to find."""

import random

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.figures.drawn_answers import Manner, answered

PROFILE = load_profile("bpjstk-jht-v1")
ASKED = IsoMessage("0200", {3: "301000", 11: "000123", 41: "S1ABC123"})
HOW = Manner("0210", echo=frozenset({3, 11, 41}), given=(39,), dropped=(3,), added=None)


class Careless(Packager):
    """Forgets the last byte of every answer."""

    def pack(self, message: IsoMessage) -> bytes:
        """Write all but the last byte."""
        return super().pack(message)[:-1]


def outcomes(packager: Packager) -> list[bool]:
    """Answer one request some times, and tell which answers were alike."""
    payload = Packager(PROFILE).pack(ASKED)
    packager.unpack(payload)
    request = packager.unpack(payload)
    chance = random.Random(1)  # noqa: S311 - cases, not keys
    return [answered(packager, request, HOW, lambda _: "00", chance).is_alike for _ in range(50)]


def test_answers_of_the_packager_are_those_of_the_reference() -> None:
    """Also those that both refuse, for some of the values are spoilt."""
    assert all(outcomes(Packager(PROFILE)))


def test_an_answer_one_byte_short_is_found() -> None:
    """Each time it is written at all."""
    assert outcomes(Careless(PROFILE)).count(False) > 25
