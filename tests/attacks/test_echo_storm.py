"""Two hosts that answer each other's answers would never stop.  Ours stop after one."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.wire.framing import Frame
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench
from tests.doubles.inquiries import network, signed_on

EXCHANGES_MAX = 50


def talk(one: Bench, other: Bench, opening: bytes) -> int:
    """Wire two switches back to back, drop ``opening`` between them, count the frames."""
    waiting = deque([(other, one, opening)])
    frames = 0
    while waiting and frames < EXCHANGES_MAX:
        to, back, payload = waiting.popleft()
        frames += 1
        before = len(to.sent)
        to.perform(to.switch.received(1, Frame(b"", payload), to.now))
        waiting.extend((back, to, send.payload) for send in to.sent[before:])
    return frames


@pytest.mark.parametrize(
    "request_",
    [network("301"), network("001"), network("999"), network("301", {2: "1"})],
    ids=["echo", "sign-on", "unknown code", "refused"],
)
def test_request_is_two_frames_and_silence(request_: IsoMessage) -> None:
    """
    A request between two switches is that frame and its answer, whatever the answer says.
    """
    one, other = signed_on(), signed_on()

    assert 2 == talk(one, other, one.dialect.packager.pack(request_))


@pytest.mark.parametrize("mti", ["0210", "0810", "0110", "0410", "0430", "0230", "0211", "0811"])
def test_response_is_one_frame_and_silence(mti: str) -> None:
    """
    A response dropped in is counted by who gets it, and answered by nobody.
    """
    one, other = signed_on(), signed_on()
    response = IsoMessage(mti, {7: "0630072507", 11: "000001", 39: "00"})

    assert 1 == talk(one, other, one.dialect.packager.pack(response))
    assert "response without request" == other.notes[-1].event


def test_flood_of_responses_is_a_handful_of_lines() -> None:
    """
    A thousand answers nobody asked for are counted, and ten lines of the log say so.
    """
    bench = signed_on()
    before = len(bench.notes)
    response = IsoMessage("0810", {7: "0630072507", 11: "000001", 39: "00", 70: "301"})

    for _ in range(1_000):
        assert [] == bench.feed(bench.dialect.packager.pack(response))

    told = [note.fields["so_far"] for note in bench.notes[before:]]
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] == told


@pytest.mark.parametrize("mti", ["0210", "0810", "0430"])
def test_broken_response_is_met_with_silence(mti: str) -> None:
    """
    A response that cannot be read is not answered with a format error either.
    """
    one, other = signed_on(), signed_on()

    assert 1 == talk(one, other, mti.encode() + b"7FFFFFFFFFFFFFFF" + b"\xff" * 40)


def test_both_idle_switches_fall_silent() -> None:
    """
    Both send their own echo after a minute of silence; each is answered once, and then
    there is silence until the next minute.
    """
    one, other = signed_on(), signed_on()
    frames = 0
    for bench, peer in ((one, other), (other, one)):
        before = len(bench.sent)
        bench.pass_time(61)
        (echo,) = bench.sent[before:]

        frames += talk(bench, peer, echo.payload)

    one.pass_time(1)
    other.pass_time(1)

    assert 4 == frames
    assert ([], []) == (one.closed, other.closed)


@given(
    st.binary(max_size=120) | st.from_regex(rb"0[0-9]{3}[0-9A-F]{16}[ -~]{0,60}", fullmatch=True)
)
def test_no_bytes_start_a_storm(payload: bytes) -> None:
    """
    Whatever is dropped between two switches, at most one answer follows.
    """
    one, other = signed_on(), signed_on()

    assert 2 >= talk(one, other, payload)
