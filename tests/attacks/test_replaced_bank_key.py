"""A bank's MAC key is found out and replaced: nothing signed under it is believed any more."""

import os

from atm_switch.domain.identifiers import TerminalId
from atm_switch.security.components import TDES, key_check_value
from atm_switch.security.key_ring import KeyName, LineKey
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.wire.message import IsoMessage
from tests.doubles.key_line import MAC_NAME
from tests.doubles.signed_line import signed_payload, signing_bench

ASK = IsoMessage("0800", {7: "0630072507", 11: "000400", 41: "S1ABC123", 48: "MAC", 70: "161"})
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
