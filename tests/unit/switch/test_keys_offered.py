"""Claims about keys offered one behind the other, before the peer has said a word to the first."""

from tests.doubles.key_line import answer_to, ask_for_keys, inquiry, key_in
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench


def test_third_request_at_once_does_not_push_off_the_key_that_is_taken() -> None:
    """Three 161 that a stalled line kept back come together: the first key may still be taken."""
    bench = signing_bench()
    _, first = ask_for_keys(bench, "MAC")
    ask_for_keys(bench, "MAC")

    (answer,) = ask_for_keys(bench, "MAC")
    alarm = bench.notes[-1]
    bench.feed(signed_payload(bench, answer_to(first)))

    assert "00" == answer[39]
    assert ("key not delivered", True) == (alarm.event, alarm.is_alarm)
    assert "00" == ask_signed(bench, inquiry(bench, 1), key_in(bench, first))[39]


def test_third_key_is_offered_where_nobody_has_answered_for_a_while() -> None:
    """Two deliveries that were lost keep no peer from a key for longer than ten seconds."""
    bench = signing_bench()
    ask_for_keys(bench, "MAC")
    ask_for_keys(bench, "MAC")

    bench.pass_time(9.9)
    (answer,) = ask_for_keys(bench, "MAC")
    bench.pass_time(0.2)
    _, delivered = ask_for_keys(bench, "MAC")

    assert "00" == answer[39]
    assert "00" == ask_signed(bench, inquiry(bench, 1), key_in(bench, delivered))[39]
