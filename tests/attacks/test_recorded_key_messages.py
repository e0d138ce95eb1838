"""An eavesdropper plays recorded, rightly signed messages again: nothing moves back."""

from atm_switch.wire.message import IsoMessage
from tests.doubles.key_line import MAC_NAME, NEW, NEWER, PIN_NAME, ask_for_keys, delivery
from tests.doubles.signed_line import SIGN_ON, signed_payload, signing_bench


def test_recorded_deliveries_bring_no_key_back() -> None:
    """A key that two later ones replaced is refused, and the newest stays in use."""
    bench = signing_bench()
    recorded = [signed_payload(bench, delivery(bench, NEW, "P0"))]
    bench.feed(recorded[0])
    bench.feed(signed_payload(bench, delivery(bench, NEWER, "P0")))
    in_use = bench.house.vault.keys[PIN_NAME].in_use

    (answer,) = bench.feed(recorded[0])

    assert "00" != answer[39]
    assert in_use is bench.house.vault.keys[PIN_NAME].in_use


def test_recorded_sign_on_opens_no_other_link() -> None:
    """On the link it came over it changes nothing and is 00; on another it is 94."""
    bench = signing_bench()
    recorded = signed_payload(bench, SIGN_ON)
    bench.open(2)

    assert ["00"] == [answer[39] for answer in bench.feed(recorded, 1)]
    assert ["94"] == [answer[39] for answer in bench.feed(recorded, 2)]


def test_recorded_request_brings_no_keys() -> None:
    """A 161 played again is 94, and no key is made."""
    bench = signing_bench()
    recorded = signed_payload(
        bench, IsoMessage("0800", {7: "0630072507", 11: "000777", 48: "MAC", 70: "161"})
    )
    bench.feed(recorded)
    ladder = bench.house.vault.keys[MAC_NAME]

    assert ["94"] == [answer[39] for answer in bench.feed(recorded)]
    assert ladder is bench.house.vault.keys[MAC_NAME]


def test_seventh_request_within_a_minute_is_refused() -> None:
    """Whoever asks for keys too often gets 65, until a minute is over."""
    bench = signing_bench()
    codes = [ask_for_keys(bench, "MAC")[0][39] for _ in range(7)]

    bench.pass_time(61)

    assert [*["00"] * 6, "65"] == codes
    assert "00" == ask_for_keys(bench, "MAC")[0][39]
