"""A bank's MAC key is found out and replaced: nothing signed under it is believed any more."""

import os

import pytest

from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.components import TDES, key_check_value
from atm_switch.security.key_ring import KeyName, LineKey
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.switch.ports import KeepCommand, KeepRecord
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench
from tests.doubles.key_line import MAC_NAME, NEW, OVERLAP, delivery, key_in
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

ASK = IsoMessage("0800", {7: "0630072507", 11: "000400", 41: "S1ABC123", 48: "MAC", 70: "161"})
ECHO = IsoMessage("0800", {7: "0630072507", 11: "000555", 70: "301"})
OWN = KeyName(MAC_NAME.usage, MAC_NAME.acquirer, TerminalId("S1ABC123"))


def test_replaced_bank_key_is_good_for_no_terminal() -> None:
    """An officer replaces the bank's key while a terminal is given its first own one: no
    ladder keeps the old key, whichever came first.
    """
    for is_before in (True, False):
        bench = signing_bench()
        old = bench.mac_key
        fresh = LineKey.clear(fresh_tdes_key(os.urandom))

        if is_before:
            bench.memory.vault = bench.memory.vault.with_key(MAC_NAME, fresh)
        bench.feed(signed_payload(bench, ASK))
        if not is_before:
            bench.memory.vault = bench.memory.vault.with_key(MAC_NAME, fresh)
        bench.house.vault = bench.memory.vault  # SIGHUP

        ladders = [
            ladder for name, ladder in bench.house.vault.keys.items() if name.usage is OWN.usage
        ]
        checks = {key.check for ladder in ladders for key in ladder.rungs}
        assert key_check_value(old, TDES) not in checks
        answers = bench.feed(signed_payload(bench, bench.inquiry({11: "000901"}), old))
        assert ["63"] == [answer[39] for answer in answers]


@pytest.mark.parametrize("stage", [KeepCommand, KeepRecord])
def test_officers_key_outlives_a_delivery_under_way(stage: type) -> None:
    """A delivery begun under the old key ends in 96 where the new one is in use meanwhile."""
    bench = signing_bench()
    fresh = LineKey.clear(fresh_tdes_key(os.urandom))
    bench.holds = (stage,)
    begun = bench.feed(signed_payload(bench, delivery(bench, NEW)))

    bench.memory.vault = bench.memory.vault.with_key(MAC_NAME, fresh)
    bench.house.vault = bench.memory.vault  # SIGHUP
    bench.release()

    assert [] == begun
    assert "96" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    for vault in (bench.memory.vault, bench.house.vault):
        assert [fresh.check] == [key.check for key in vault.keys[MAC_NAME].rungs]


def test_bank_key_changed_over_the_line_changes_for_a_waiting_terminal() -> None:
    """A terminal that was offered its own key and never used it follows its bank: the new key is
    good for it at once, the old one as long as for all, and its own whenever it comes.
    """
    bench = signing_bench()
    old = bench.mac_key
    own = key_in(bench, bench.feed(signed_payload(bench, ASK))[1])
    assert "00" == ask_signed(bench, delivery(bench, NEW))[39]

    early = [answered(bench, number, key) for number, key in ((1, old), (2, NEW))]
    ask_signed(bench, ECHO, NEW)
    bench.pass_time(OVERLAP + 1)
    late = [
        answered(bench, number, key) for number, key in ((3, old), (4, NEW), (5, own), (6, own))
    ]

    assert ["00", "00"] == early
    assert ["63", "00", "00", "00"] == late


def answered(bench: Bench, number: int, key: Key) -> str:
    """What an inquiry of the terminal under this key is answered."""
    inquiry = bench.inquiry({11: f"{900 + number:06d}", 37: f"518107000{900 + number}"})
    return bench.feed(signed_payload(bench, inquiry, key))[0][39]
