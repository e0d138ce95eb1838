"""An officer changes a key while an offer is open: the peer's late answer undoes nothing."""

from atm_switch.security.key_ring import LineKey
from tests.doubles.key_line import MAC_NAME, NEW, answer_to, ask_for_keys
from tests.doubles.signed_line import signed_payload, signing_bench


def test_late_answer_does_not_undo_an_officers_key() -> None:
    """What is on disk by another hand stays there, and the log is alarmed."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    officers = LineKey.clear(NEW)
    bench.memory.vault = bench.memory.vault.with_key(MAC_NAME, officers)

    bench.feed(signed_payload(bench, answer_to(delivered)))

    assert officers is bench.memory.vault.keys[MAC_NAME].in_use
    assert "answer to a key delivery not kept" == bench.notes[-1].event
    assert bench.notes[-1].is_alarm
