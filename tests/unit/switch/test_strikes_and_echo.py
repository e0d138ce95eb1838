"""How a link is judged by its frames, and how the switch finds out that a peer is gone."""

import pytest

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.effects import Close, Note
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench
from tests.doubles.inquiries import network, signed_on

GARBAGE = b"not a message"
BAD_BITMAP = b"0200ZZZZZZZZZZZZZZZZ"


def feed_bad(bench: Bench, count: int, apart: float = 0.0) -> None:
    """Send bad frames, so many seconds apart."""
    for _ in range(count):
        bench.feed(GARBAGE)
        bench.pass_time(apart)


def own_echoes(bench: Bench) -> list[IsoMessage]:
    """Return the 0800 the switch sent by itself."""
    sent = [bench.dialect.packager.unpack(send.payload) for send in bench.sent]
    return [message for message in sent if message.mti == "0800"]


def echo_answer(echo: IsoMessage) -> IsoMessage:
    """Answer an echo as the bank does."""
    return IsoMessage("0810", {**echo.elements, 39: "00"})


def test_sixtieth_bad_frame_closes_the_link() -> None:
    """
    Fifty-nine bad frames within a minute are borne, the sixtieth closes the link.
    """
    bench = Bench()

    feed_bad(bench, 59)
    borne = list(bench.closed)
    feed_bad(bench, 1)

    assert [] == borne
    assert [Close(1, "60 bad frames within a minute")] == bench.closed


def test_link_with_too_many_bad_frames_is_noted_once_with_its_bank() -> None:
    """
    What was under way may be refused when the link is to end already: it is ended all the same,
    and what is told of it is told once.
    """
    bench = signed_on(bad_frames_per_minute=3)

    feed_bad(bench, 5)

    whose = {"link": 1, "peer": "127.0.0.1:4001", "acquirer": "009"}
    note = Note(
        "too many bad frames", {**whose, "reason": "3 bad frames within a minute"}, is_alarm=True
    )
    assert [note] == [one for one in bench.notes if one.event == note.event]
    assert [Close(1, "3 bad frames within a minute")] * 3 == bench.closed


@pytest.mark.parametrize(("acquirer", "named"), [(BNI, "009"), (None, "")])
def test_link_that_nobody_signed_on_is_its_listeners_banks(
    acquirer: AcquirerId | None, named: str
) -> None:
    """
    Of a listener that is for one bank, that bank's; of another, nobody's.
    """
    bench = Bench(bad_frames_per_minute=1)
    bench.open(2, acquirer)

    bench.feed(GARBAGE, link=2)

    (note,) = [one for one in bench.notes if one.event == "too many bad frames"]
    assert named == note.fields["acquirer"]


def test_slow_mistakes_never_close_the_link() -> None:
    """
    A bad frame every second and a bit is fewer than sixty in any minute.
    """
    bench = Bench()

    feed_bad(bench, 200, apart=1.1)

    assert [] == bench.closed


def test_minute_old_mistakes_are_forgotten() -> None:
    """
    A bad frame counts for sixty seconds and not a moment more.
    """
    bench = Bench()

    feed_bad(bench, 59)
    bench.pass_time(60)
    feed_bad(bench, 59)

    assert [] == bench.closed


def test_zero_bears_any_number_of_mistakes() -> None:
    """
    With 0 no number of bad frames closes a link.
    """
    bench = Bench(bad_frames_per_minute=0)

    feed_bad(bench, 500)

    assert [] == bench.closed
    assert "00" == bench.ask(network("301"))[39]


def test_strikes_are_counted_by_link() -> None:
    """
    One link's mistakes close no other.
    """
    bench = Bench()
    bench.open(2)

    for _ in range(60):
        bench.feed(GARBAGE, link=2)

    assert [2] == [close.link for close in bench.closed]
    assert "00" == bench.ask(network("301"))[39]


def test_refused_messages_count_as_strikes() -> None:
    """
    A readable message that is refused with 30 is a strike like an unreadable one; a 12 for
    its processing code is an answer, not a strike.
    """
    bench = signed_on(bad_frames_per_minute=3)
    for stan in ("000001", "000002", "000003", "000004"):
        bench.ask(bench.inquiry({3: "010000", 11: stan}))
    assert [] == bench.closed

    bench.ask(bench.inquiry({49: "840"}))
    bench.ask(bench.inquiry({48: None}))
    bench.ask(network("301", {2: "9990090000000012"}))

    assert [1] == [close.link for close in bench.closed]


def test_strangers_cost_strikes() -> None:
    """
    Asking without sign-on, and MTIs nobody knows, end a link as bad frames do.
    """
    unsigned, unknown = Bench(bad_frames_per_minute=3), signed_on(bad_frames_per_minute=3)

    for stan in ("000001", "000002", "000003"):
        unsigned.ask(unsigned.inquiry({11: stan}))
        unknown.ask(IsoMessage("0100", {11: stan}))

    assert [1] == [close.link for close in unsigned.closed]
    assert [1] == [close.link for close in unknown.closed]


def test_strikes_are_the_profiles_where_nobody_says_otherwise() -> None:
    """
    Without a setting each link has its own profile's number.
    """
    bench = Bench(bad_frames_per_minute=None)

    for _ in range(59):
        bench.feed(GARBAGE)
    assert [] == bench.closed
    bench.feed(GARBAGE)

    assert [1] == [close.link for close in bench.closed]


def test_unreadable_request_is_answered_with_its_place() -> None:
    """
    A bitmap that is none is 30 with DE001; the link lives on.
    """
    bench = signed_on()

    (response,) = bench.feed(BAD_BITMAP)

    assert ("0210", "30", "DE001") == (response.mti, response[39], response[44])
    assert "00" == bench.ask(bench.inquiry())[39]


def test_unreadable_tail_keeps_what_was_read() -> None:
    """
    A message cut inside DE48 is 30 with DE048, and 3, 7, 11, 37 and 41 come back.
    """
    bench = signed_on()
    whole = bench.dialect.packager.pack(bench.inquiry({49: "360", 52: None}))

    (response,) = bench.feed(whole[:-20])

    assert ("30", "DE048") == (response[39], response[44])
    assert {3, 7, 11, 37, 39, 41, 44} == set(response.elements)


@pytest.mark.parametrize("payload", [b"", b"02", GARBAGE, b"0210ZZ", b"\x00" * 50])
def test_what_asks_for_nothing_is_not_answered(payload: bytes) -> None:
    """
    Bytes without a request's MTI get no answer; they are noted, without being quoted.
    """
    bench = Bench()

    assert [] == bench.feed(payload)
    assert "unreadable message" == bench.notes[-1].event


def test_silence_is_met_with_an_echo() -> None:
    """
    After a minute without a frame the switch sends one 0800 echo with its own header; once
    answered the link is left alone for another minute.
    """
    bench = signed_on()

    bench.pass_time(59.9)
    early = own_echoes(bench)
    bench.pass_time(0.2)
    bench.pass_time(10)
    (echo,) = own_echoes(bench)

    assert [] == early
    assert ({7, 11, 70}, "301") == (set(echo.elements), echo[70])
    assert (None, f"{bench.utc:%m%d}") == (bench.sent[-1].header, echo[7][:4])

    assert [] == bench.feed(bench.dialect.packager.pack(echo_answer(echo)))
    bench.pass_time(59)

    assert (1, []) == (len(own_echoes(bench)), bench.closed)

    bench.pass_time(2)

    assert ["000001", "000002"] == [echo[11] for echo in own_echoes(bench)]


def test_unanswered_echo_closes_the_link() -> None:
    """
    A peer that does not answer within half a minute is gone.
    """
    bench = signed_on()
    bench.pass_time(61)

    bench.pass_time(30)
    borne = list(bench.closed)
    bench.pass_time(0.1)

    assert [] == borne
    assert [Close(1, "our echo was not answered")] == bench.closed


def test_any_frame_shows_the_peer_is_there() -> None:
    """
    A request in place of the echo's answer keeps the link as well.
    """
    bench = signed_on()
    bench.pass_time(61)

    bench.ask(bench.inquiry())
    bench.pass_time(31)

    assert [] == bench.closed


@pytest.mark.parametrize(
    ("seconds", "signs_on"), [(0.0, True), (60.0, False)], ids=["switched off", "not signed on"]
)
def test_no_echo_where_none_is_due(seconds: float, *, signs_on: bool) -> None:
    """
    With 0 seconds, or on a link nobody signed on, the switch starts nothing.
    """
    bench = Bench(echo_idle_seconds=seconds)
    if signs_on:
        bench.sign_on()

    bench.pass_time(3600)

    assert ([], []) == (own_echoes(bench), bench.closed)


def test_foreign_answer_does_not_pass_for_ours() -> None:
    """
    A response with another STAN than our echo's is counted as nobody's, not as its answer.
    """
    bench = signed_on()
    bench.pass_time(61)
    (echo,) = own_echoes(bench)

    bench.feed(bench.dialect.packager.pack(echo_answer(echo).with_element(11, "999999")))
    bench.perform(bench.switch.closed(1, "done"))

    assert 1 == bench.notes[-1].fields["ignored_responses"]
