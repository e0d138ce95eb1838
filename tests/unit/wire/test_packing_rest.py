"""Claims about an answer less its first element: the bytes that packing the rest gives."""

import json
from pathlib import Path

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

PACKAGER = Packager(load_profile("bpjstk-jht-v1"))
VECTORS = Path(__file__).parents[3] / "specs" / "vectors"
GOLDEN = json.loads((VECTORS / "balance_inquiry_request.json").read_text())["payload"].encode()


@pytest.mark.parametrize("name", ["bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic"])
def test_answer_less_its_first_element_is_what_packing_that_gives(name: str) -> None:
    """Whether its way is known or not, for any length of what goes, and where nothing goes."""
    packager = Packager(load_profile(name))
    asked = {**PACKAGER.unpack(GOLDEN).elements, 52: "0123456789ABCDEF"}
    for pan in ("9990090000000012", "9990090000000000004", "99900900000000008") * 3:
        request = packager.unpack(packager.pack(IsoMessage("0200", {**asked, 2: pan})))
        for echo in (frozenset({2, 7, 11}), frozenset({7, 11}), frozenset({2, 3, 11, 70})):
            answer = request.answering("0210", echo, {39: "00", 62: f"HELLO {pan}"})
            plain = IsoMessage("0210", dict(answer.elements))
            rest = plain.without(2)
            expected = packager.reference.pack(plain), packager.reference.pack(rest)

            assert expected == packager.pack_with_rest(answer, 2)
            assert expected == packager.pack_with_rest(plain, 2)


def test_answer_less_its_first_element_is_refused_as_ever() -> None:
    """A value that is not of its class is no more let through than by ``pack``."""
    request = PACKAGER.unpack(PACKAGER.pack(PACKAGER.unpack(GOLDEN)))
    for code in ("00", "00", "00", "0-"):
        answer = request.answering("0210", frozenset({2, 11}), {39: code})
        if code == "00":
            PACKAGER.pack_with_rest(answer, 2)
    with pytest.raises(ValueError, match=r"^DE039"):
        PACKAGER.pack_with_rest(answer, 2)


def test_rest_of_an_answer_whose_own_way_alone_is_known() -> None:
    """The whole was packed before, and what is left of it never was."""
    packager = Packager(load_profile("bpjstk-jht-v1"))
    request = packager.unpack(packager.pack(PACKAGER.unpack(GOLDEN)))
    answer = request.answering("0210", frozenset({2, 7, 11}), {39: "00"})
    plain = IsoMessage("0210", dict(answer.elements))
    whole = [packager.pack(answer) for _ in range(3)]

    assert whole == [packager.reference.pack(plain)] * 3
    assert packager.reference.pack(plain.without(2)) == packager.pack_with_rest(answer, 2)[1]


def test_rest_of_an_answer_to_a_request_in_another_dialect() -> None:
    """It is packed as ever: where the request's elements lie says nothing of this dialect's."""
    other = Packager(load_profile("bpjstk-jht-v1-bcd"))
    request = other.unpack(other.pack(PACKAGER.unpack(GOLDEN)))
    answer = request.answering("0210", frozenset({2, 7, 11}), {39: "00"})
    plain = IsoMessage("0210", dict(answer.elements))
    expected = PACKAGER.reference.pack(plain), PACKAGER.reference.pack(plain.without(2))

    assert [expected] * 3 == [PACKAGER.pack_with_rest(answer, 2) for _ in range(3)]
