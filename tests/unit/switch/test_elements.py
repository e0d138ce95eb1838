"""Which elements an inquiry may carry, which come back, and which never do."""

import pytest

from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import PAN, Bench
from tests.doubles.inquiries import block_of, commits, de48, signed_on

TRACK_2 = "9990090000000012=30122211234567890"
OPTIONAL = {
    14: "3012", 15: "0701", 23: "001", 25: "02", 26: "12", 33: "110", 35: TRACK_2,
    43: "ATM KC HARMONI        JAKARTA       ID  ", 55: "9F2608AABBCCDDEEFF0011",
}  # fmt: skip
ECHOED = {2, 3, 4, 7, 11, 12, 13, 15, 18, 22, 25, 32, 33, 37, 41, 42, 43, 49}
MANDATORY = (2, 3, 4, 7, 11, 12, 13, 18, 22, 32, 37, 41, 42, 48, 49)


def bare(bench: Bench) -> IsoMessage:
    """Return the inquiry with nothing optional but the PIN block."""
    return bench.inquiry(dict.fromkeys((15, 25, 43)))


@pytest.mark.parametrize("number", sorted(OPTIONAL))
def test_optional_elements_are_accepted(number: int) -> None:
    """
    Each optional element may come; those of the echo list come back as sent, no other.
    """
    bench = signed_on()

    response = bench.ask(bare(bench).with_element(number, OPTIONAL[number]))

    assert "00" == response[39]
    assert (OPTIONAL[number] if number in ECHOED else "") == response.get(number)


def test_every_optional_element_together() -> None:
    """
    With all of them the response holds the echo list and what the switch made, no more.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({**OPTIONAL}))

    assert ECHOED | {39, 48, 54, 62, 63} == set(response.elements)


@pytest.mark.parametrize("number", sorted(MANDATORY))
def test_missing_mandatory_element_is_named(number: int) -> None:
    """
    Without any one of the mandatory elements it is 30 and DE44 names it; what is there of
    3, 7, 11, 37 and 41 comes back; the row keeps no answer for repeats.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({number: None}))

    assert ("30", f"DE{number:03d}") == (response[39], response[44])
    assert ({3, 7, 11, 37, 41} - {number}) | {39, 44} == set(response.elements)
    assert [None] == [commit.ending.payload for commit in commits(bench)]


@pytest.mark.parametrize(
    ("number", "value"),
    [(39, "00"), (44, "DE002"), (45, "B999"), (53, "0" * 16), (54, "1" * 20), (60, "x"),
     (62, "S4000"), (63, "R4000"), (90, "0" * 42), (102, "1"), (120, "x")],
)  # fmt: skip
def test_stray_element_is_named(number: int, value: str) -> None:
    """
    An element without a place in the inquiry is 30, DE44 names it, and it does not come back
    (DE70 would: the short list of refusals serves 0800 too, and it is no secret).
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({number: value}))

    assert ("30", f"DE{number:03d}") == (response[39], response[44])
    assert {3, 7, 11, 37, 39, 41, 44} == set(response.elements)
    assert ("30", "DE070") == tuple(bench.ask(bench.inquiry({70: "301"})).only([39, 44]).values())


@pytest.mark.parametrize(
    "track",
    [
        "9990090000000020=30122211234567890",
        "9990090000000012=29012211234567890",
        "9990090000000012=3012",
        "99900900=30122211234567890",
    ],
)
def test_track_2_must_agree(track: str) -> None:
    """
    A DE35 with another PAN or expiry than DE2 and DE14, or with no track's shape, is 30
    with DE035; neither track nor PAN comes back.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({14: "3012", 35: track}))

    assert ("30", "DE035") == (response[39], response[44])
    assert b"9990090000000" not in bench.sent[-1].payload


@pytest.mark.parametrize(
    ("number", "value"),
    [(7, "0631072507"), (12, "246060"), (13, "1332"), (14, "3013"), (15, "0001"), (49, "840"),
     (41, " S1ABC12"), (48, de48(width=41)), (48, de48(language="FR")), (48, de48(lookup=3)),
     (48, de48(lookup=1)), (48, de48("12345678901")), (48, de48("12345678901", 1, index=1)),
     (48, "JHTBAL"), (48, de48().replace("JHTBAL", "JKKBAL"))],
)  # fmt: skip
def test_impossible_content_is_named(number: int, value: str) -> None:
    """
    Content that its class allows and its meaning does not is 30 with the element's number.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({number: value}))

    assert ("30", f"DE{number:03d}") == (response[39], response[44])


@pytest.mark.parametrize("width", [32, 38, 40])
def test_receipt_has_the_width_asked_for(width: int) -> None:
    """
    DE63 comes in each width of the profile, DE62 always in the screen's forty columns.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({48: de48(width=width)}))

    assert ("R", width) == (block_of(response, 63).kind, block_of(response, 63).width)
    assert 40 == block_of(response).width


def test_width_zero_asks_for_no_receipt() -> None:
    """
    With width 00 there is no DE63, and all else is there.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({48: de48(width=0)}))

    assert 63 not in response
    assert {48, 54, 62} < set(response.elements)


def test_golden_request_gets_golden_balance() -> None:
    """
    The inquiry of the published member is answered with DE48 and DE54 to the character:
    the KPJ whole, as that bank's flag has it.
    """
    bench = signed_on()
    policy = bench.house.policy.acquirers[next(iter(bench.house.policy.acquirers))]
    assert not policy.unmasked_kpj

    response = bench.ask(bench.inquiry())

    assert (
        "JHTBAL*******8901BU** SAN****                  1A20250630"
        "00001940947047000001710000000000005101742600000000000000"
        "0000216296447305000E01202506J25181000123"
    ) == response[48]
    assert "1002360C0021629644731001360C002162964473" == response[54]
    assert PAN == response[2]


def test_golden_bytes_are_read_as_sent() -> None:
    """
    The golden 221 bytes, which carry no PIN, are readable and lack only DE52 under ``issuer``.
    """
    bench = signed_on()
    golden = (
        b"0200723A448108E18000169990090000000012310000000000000000063007250700012314250706300701"
        b"60110510203009518107000123S1ABC123BNI000000000001ATM KC HARMONI        JAKARTA       "
        b"ID  040JHTBAL0000000000000000000000000000ID0040360"
    )

    (response,) = bench.feed(golden)

    assert 221 == len(golden)
    assert ("30", "DE052") == (response[39], response[44])
