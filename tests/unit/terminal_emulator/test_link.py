"""Claims about the link: matching, the host's own questions, and every way it can fail."""

import asyncio
import socket
from collections.abc import Sequence

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from terminal_emulator.address import Address
from terminal_emulator.flow import Manner, line_to, one_inquiry
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.link import Link, LinkError, open_link
from terminal_emulator.terminal import Terminal, Verb
from tests.unit.terminal_emulator.host import (
    HANG_UP,
    PAN,
    PROFILE,
    Behaviour,
    Sent,
    TinyHost,
    approving,
    on_inquiry,
    reply,
    silent,
)
from tests.unit.terminal_emulator.test_terminal import BY_CARD, MOMENT, terminal

PATIENT, HASTY = 30.0, 0.05


async def called(host: TinyHost) -> Link:
    """Connect to a host."""
    return await open_link(Address.read(host.address), PROFILE)


async def outcome_of(behaviour: Behaviour, seconds: float = PATIENT) -> str:
    """Ask one inquiry of a host and return the sentence it fails with."""
    with TinyHost(on_inquiry(behaviour)) as host:
        async with await called(host) as link:
            with pytest.raises(LinkError) as caught:
                await link.ask(terminal().inquiry(PAN, BY_CARD, MOMENT), seconds)
        return str(caught.value).replace(host.address, "HOST")


async def test_answers_may_overtake_each_other() -> None:
    """Two questions on one link get their own answers, though these come in reverse."""
    held: list[IsoMessage] = []

    def in_reverse(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        held.append(request)
        return [reply(one, "56") for one in reversed(held)] if len(held) == 2 else []

    with TinyHost(in_reverse) as host:
        async with await called(host) as link:
            atm = terminal()
            questions = [atm.inquiry(PAN, BY_CARD, MOMENT) for _ in range(2)]
            answers = await asyncio.gather(*(link.ask(one, PATIENT) for one in questions))

    assert [one[11] for one in questions] == [one[11] for one in answers]


async def test_hosts_own_echo_is_answered() -> None:
    """While it waits for its answer the terminal answers the host's 0800 with 0810, 00."""
    own = IsoMessage("0800", {7: "0630072508", 11: "900001", 70: "301"})
    held: list[IsoMessage] = []

    def asks_first(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        if request.mti == "0200":
            held.append(request)
            return [own]
        return [reply(held[0], "56")]

    with TinyHost(asks_first) as host:
        async with await called(host) as link:
            await link.ask(terminal().inquiry(PAN, BY_CARD, MOMENT), PATIENT)
        echoed = host.requests[-1]

    assert ("0810", "900001", "301", "00") == (echoed.mti, echoed[11], echoed[70], echoed[39])


async def test_unknown_request_of_host_is_declined() -> None:
    """A request an ATM cannot serve is answered with 12, so that the host need not wait."""
    odd = IsoMessage("0400", {3: "310000", 7: "0630072508", 11: "900001"})
    held: list[IsoMessage] = []

    def asks_first(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        if request.mti == "0200":
            held.append(request)
            return [odd]
        return [reply(held[0], "56")]

    with TinyHost(asks_first) as host:
        async with await called(host) as link:
            await link.ask(terminal().inquiry(PAN, BY_CARD, MOMENT), PATIENT)
        refused = host.requests[-1]

    assert ("0410", "12") == (refused.mti, refused[39])


async def test_response_is_never_answered() -> None:
    """A stray response is dropped in silence: no storm can start."""
    stray = IsoMessage("0810", {7: "0630072508", 11: "900001", 39: "00", 70: "301"})

    with TinyHost(lambda request, _host: [stray] * 3 if request.mti == "0200" else []) as host:
        async with await called(host) as link:
            questions = [
                link.ask(terminal(stan).inquiry(PAN, BY_CARD, MOMENT), HASTY) for stan in (1, 2)
            ]
            results = await asyncio.gather(*questions, return_exceptions=True)
            async with asyncio.timeout(PATIENT):  # the host's thread may have its turn late
                while len(host.requests) < 2:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(HASTY)  # what the strays would be answered with

    assert ["0200", "0200"] == host.mtis
    assert all("did not answer" in str(result) for result in results)


async def test_silent_host_is_given_up() -> None:
    """A host that says nothing is left after the time-out, with the STAN named."""
    assert "HOST did not answer STAN 000123 within 0.05 s" == await outcome_of(silent, HASTY)


async def test_late_answer_hurts_nobody() -> None:
    """An answer that comes after it was given up is dropped; the next one is matched."""
    held: list[IsoMessage] = []

    def one_behind(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        held.append(request)
        return [reply(one, "56") for one in held] if len(held) > 1 else []

    with TinyHost(one_behind) as host:
        async with await called(host) as link:
            atm = terminal()
            with pytest.raises(LinkError):
                await link.ask(atm.inquiry(PAN, BY_CARD, MOMENT), HASTY)
            answer = await link.ask(atm.inquiry(PAN, BY_CARD, MOMENT), PATIENT)

    assert "000124" == answer[11]


async def test_hanging_up_is_told() -> None:
    """A host that closes instead of answering is reported at once."""
    sentence = await outcome_of(lambda _request, _host: [HANG_UP])

    hint = "; if it speaks TLS, pass --tls-ca, and if another dialect, --profile"
    assert f"HOST closed the link before it answered{hint}" == sentence


async def test_half_an_answer_is_told() -> None:
    """A host that closes within a frame is reported as such."""
    sentence = await outcome_of(lambda _request, _host: [b"\x00\xff0210", HANG_UP])

    assert "HOST closed the link in the middle of an answer" == sentence


async def test_unreadable_answer_names_the_element() -> None:
    """A framed answer that cannot be read names the element at fault."""
    garbage = enclose(PROFILE.framing, b"0210" + b"0000000000000001" + b"not hex!not hex!")

    sentence = await outcome_of(lambda _request, _host: [garbage])

    assert "HOST answered nonsense: DE064: is not of class b" == sentence


async def test_impossible_length_is_nonsense() -> None:
    """A length header that cannot be true ends the link with a sentence."""
    sentence = await outcome_of(lambda _request, _host: [b"\xff\xff" + b"HTTP/1.1 400"])

    assert sentence.startswith("HOST answered nonsense: length header says 65535 bytes")


async def test_answer_with_another_stan_is_told() -> None:
    """A lone question answered under another STAN is not taken for answered."""

    def astray(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        return [reply(request, "56").with_element(11, "000999")]

    sentence = await outcome_of(astray)

    assert sentence.startswith("HOST answered another question: the answer to STAN 000123")
    assert sentence.endswith("DE011")


async def test_refusal_without_stan_is_matched() -> None:
    """A 30 for a message whose STAN the host could not read still reaches its question."""

    def unreadable(_request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        return [IsoMessage("0210", {39: "30", 44: "DE011"})]

    with TinyHost(on_inquiry(unreadable)) as host:
        async with await called(host) as link:
            answer = await link.ask(terminal().inquiry(PAN, BY_CARD, MOMENT), PATIENT)

    assert "30" == answer[39]


async def test_ended_link_says_why_again() -> None:
    """Whoever asks on a link that has ended is told at once why it ended."""
    with TinyHost(lambda _request, _host: [HANG_UP]) as host:
        async with await called(host) as link:
            sentences = set()
            for _ in range(2):
                with pytest.raises(LinkError) as caught:
                    await link.ask(terminal().network(Verb.ECHO, MOMENT), PATIENT)
                sentences.add(str(caught.value))

    assert 1 == len(sentences)


async def test_nobody_listening_is_told() -> None:
    """Where nobody listens, the sentence says how to start the switch."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", taken.getsockname()[1])

        with pytest.raises(LinkError, match=r"nobody listens at .*; start the switch with: atm-"):
            await open_link(address, PROFILE)


async def test_inquiry_signs_on_and_off() -> None:
    """The whole way is sign-on, inquiry, sign-off, in that order."""
    with TinyHost(approving) as host:
        result = await one_inquiry(host.address, BARE_KIT, PAN, manner=Manner(PATIENT, stan=1))

    assert result.is_approved
    assert (["0800", "0200", "0800"], ["001", "002"]) == (host.mtis, host.network_codes)
    assert ["999999", "000001", "000002"] == [request[11] for request in host.requests]


async def test_refused_sign_on_ends_the_matter() -> None:
    """A host that refuses the sign-on is not asked anything else."""
    with (
        TinyHost(lambda request, _host: [reply(request, "31")]) as host,
        pytest.raises(LinkError, match="refused the sign-on: 31 Bank not supported"),
    ):
        await one_inquiry(host.address, BARE_KIT, PAN)

    assert ["0800"] == host.mtis


async def test_failed_inquiry_still_signs_off() -> None:
    """After an inquiry that failed the terminal signs off all the same."""
    garbage = enclose(PROFILE.framing, b"0210" + b"0000000000000001" + b"not hex!not hex!")
    with (
        TinyHost(on_inquiry(lambda _request, _host: [garbage])) as host,
        pytest.raises(LinkError, match="nonsense"),
    ):
        await one_inquiry(host.address, BARE_KIT, PAN)

    assert ["001", "002"] == host.network_codes


@pytest.mark.parametrize("name", ["bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic"])
async def test_other_dialects_are_spoken_too(name: str) -> None:
    """The same inquiry crosses the packed and the mainframe dialect."""
    kit = BARE_KIT.with_words(profile=name)
    with TinyHost(approving, load_profile(name)) as host:
        result = await one_inquiry(host.address, kit, PAN)

    assert result.is_approved


async def test_every_run_counts_from_elsewhere() -> None:
    """Two runs in one second do not share a STAN, or the second would be a repeat."""
    stans = {Manner().first_stan() for _ in range(20)}

    assert 1 < len(stans)


async def test_line_stays_up_between_questions() -> None:
    """Several questions share one line and count on."""
    with TinyHost(approving) as host:
        async with line_to(Address.read(host.address), BARE_KIT) as line:
            results = [await line.inquire(PAN) for _ in range(3)]

    assert 3 == len({result.stan for result in results})
    assert ["001", "002"] == host.network_codes


async def test_host_that_hangs_up_before_all_keys_is_told_at_once() -> None:
    """Who waits for deliveries of a host that is gone is told so, and not that they are late."""

    def promises(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        return [reply(request), *([HANG_UP] if request.get(70) == "161" else [])]

    with TinyHost(promises) as host:
        async with line_to(Address.read(host.address), BARE_KIT, Manner(PATIENT)) as line:
            with pytest.raises(LinkError, match="closed the link"):
                await line.request_keys(2)


def test_terminal_without_kit_has_no_key() -> None:
    """The bare kit makes a terminal that can inquire, but not with a PIN."""
    assert Terminal(PROFILE, BARE_KIT.station, BARE_KIT.pin_key).pin_key is None
