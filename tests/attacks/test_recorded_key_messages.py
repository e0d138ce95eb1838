"""An eavesdropper plays recorded, rightly signed messages again: nothing moves back."""

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.switch.hsm_port import ImportKey
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


def test_recorded_sign_on_leads_nowhere() -> None:
    """Whoever plays a sign-on back on a link of his own can move no key and no date there."""
    bench = signing_bench()
    ask = IsoMessage("0800", {7: "0630072507", 11: "000778", 48: "PIN", 70: "161"})
    cut = IsoMessage("0800", {7: "0630072507", 11: "000779", 15: "0702", 70: "201"})
    recorded = [signed_payload(bench, one) for one in (SIGN_ON, ask, cut)]
    for one in recorded:
        bench.feed(one, 1)
    ladder, dates = bench.house.vault.keys[PIN_NAME], dict(bench.house.business_dates)
    bench.open(2)

    answers = [[answer[39] for answer in bench.feed(one, 2)] for one in recorded]

    assert [["00"], ["94"], ["00"]] == answers
    assert ladder is bench.house.vault.keys[PIN_NAME]
    assert dates == bench.house.business_dates


def test_lines_that_come_up_together_all_sign_on() -> None:
    """Two lines of one bank may sign on with one DE7 and one DE11."""
    bench = signing_bench()
    bench.open(2)

    answers = [bench.feed(signed_payload(bench, SIGN_ON), link)[0][39] for link in (1, 2)]

    assert ["00", "00"] == answers


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


def test_delivery_that_an_hsm_hindered_counts_no_more() -> None:
    """The bank sent another since; the recording of the first brings its key to nobody."""
    bench = signing_bench()
    recorded = signed_payload(bench, delivery(bench, NEW))
    bench.memory.faults[ImportKey] = NeighbourUnavailable("away")
    hindered = bench.feed(recorded)[0][39]
    bench.memory.faults.clear()
    taken = bench.feed(signed_payload(bench, delivery(bench, NEWER)))[0][39]
    ladder = bench.house.vault.keys[MAC_NAME]

    (answer,) = bench.feed(recorded)

    assert ("96", "00") == (hindered, taken)
    assert "94" == answer[39]
    assert ladder is bench.house.vault.keys[MAC_NAME]
