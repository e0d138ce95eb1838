"""Claims about peers without the right certificate: they get an alert and nothing else."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.switch.policy import TerminalPolicy
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bare_tls import bare_tls
from tests.doubles.bench import Bench, bank
from tests.doubles.certificates import LabCa
from tests.doubles.open_house import GENEROUS, SECONDS_MAX, Caller, OpenHouse, caller, open_house

BANK, OTHER_BANK = "switch.bank.example", "switch.other.example"
ALERT = 0x15

SIGN_ON = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})


@pytest.fixture
def ca(tmp_path: Path) -> LabCa:
    """The CA the house believes."""
    return LabCa(tmp_path)


def nothing_shown(ca: LabCa, _folder: Path) -> ssl.SSLContext:
    """A client without a certificate."""
    return ca.client()


def foreign(ca: LabCa, folder: Path) -> ssl.SSLContext:
    """A client with the bank's name on a certificate of another CA."""
    return ca.client(LabCa(folder, "FOREIGN CA").issue(BANK))


def namesake(ca: LabCa, folder: Path) -> ssl.SSLContext:
    """A client of a CA that calls itself as ours does."""
    (folder / "namesake").mkdir()
    return ca.client(LabCa(folder / "namesake").issue(BANK))


def expired(ca: LabCa, _folder: Path) -> ssl.SSLContext:
    """A client of the bank whose certificate ended yesterday."""
    return ca.client(ca.issue(BANK, ends_in=-timedelta(days=1)))


def self_signed_by_a_leaf(ca: LabCa, folder: Path) -> ssl.SSLContext:
    """A client whose certificate another client's certificate would have to vouch for."""
    return ca.client(LabCa(folder, BANK).issue("x"))


Client = Callable[[LabCa, Path], ssl.SSLContext]
STRANGERS = [nothing_shown, foreign, namesake, expired, self_signed_by_a_leaf]


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_wrong_certificate_learns_only_the_alert(
    ca: LabCa, tmp_path: Path, stranger: Client, version: ssl.TLSVersion
) -> None:
    """Whatever is shown, the peer reads an alert; its messages never reach the core."""
    context = stranger(ca, tmp_path)
    context.minimum_version = context.maximum_version = version

    async with open_house(tls=ca.server()) as house:
        with pytest.raises(ssl.SSLError, match=r"(?i)alert") as told:
            await _ask(house, context)
        await _until(lambda: house.logged("handshake failed"))

        assert "ALERT" in (told.value.reason or "")
        assert ([], 0) == (house.logged("link opened"), len(house.switch._sessions))


@pytest.mark.parametrize(
    ("stranger", "reason"),
    [
        (nothing_shown, "TLS: peer did not return a certificate"),
        (foreign, "TLS: certificate refused, unable to get local issuer certificate"),
        (expired, "TLS: certificate refused, certificate has expired"),
    ],
)
async def test_log_names_the_reason_of_refusal(
    ca: LabCa, tmp_path: Path, stranger: Client, reason: str
) -> None:
    """The operator reads which check failed; nothing the peer sent is repeated."""
    async with open_house(tls=ca.server()) as house:
        with pytest.raises(ssl.SSLError):
            await _ask(house, stranger(ca, tmp_path))
        await _until(lambda: house.logged("handshake failed"))

        (line,) = house.logged("handshake failed")

    assert reason == line["reason"]


async def test_wrong_bank_is_refused_like_any_acquirer(ca: LabCa) -> None:
    """A certificate of the right CA but of another bank gets 31 and stays signed off."""
    bench = Bench(banks=(bank(certificate_names=frozenset({BANK})),))
    context = ca.client(ca.issue("x", OTHER_BANK))

    async with (
        open_house(bench, tls=ca.server()) as house,
        caller(house, tls=context, signs_on=False) as stranger,
    ):
        stranger.say(SIGN_ON, house.bench.inquiry())

        assert ["31", "58"] == [(await stranger.hear())[39] for _ in range(2)]


async def test_named_bank_never_signs_on_in_the_clear() -> None:
    """On a listener without TLS nobody is the bank whose certificate has a name."""
    bench = Bench(banks=(bank(certificate_names=frozenset({BANK})),))

    async with open_house(bench) as house, caller(house, signs_on=False) as stranger:
        stranger.say(SIGN_ON)

        assert "31" == (await stranger.hear())[39]


@pytest.mark.parametrize(("shown", "code"), [("atm-1", "00"), ("atm-2", "58")])
async def test_terminal_needs_its_own_certificate(ca: LabCa, shown: str, code: str) -> None:
    """A terminal listed with a certificate's name is served over no other's link."""
    policy = TerminalPolicy(zone=Zone.WIB, certificate_name="atm-1")
    bench = Bench(banks=(bank(terminals={TerminalId("S1ABC123"): policy}),))
    context = ca.client(ca.issue(shown))

    async with open_house(bench, tls=ca.server()) as house, caller(house, tls=context) as line:
        line.say(house.bench.inquiry())

        assert code == (await line.hear())[39]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_tls_is_refused_by_alert(ca: LabCa) -> None:
    """TLS 1.1 gets protocol_version, however loosely the client is set up."""
    context = ca.client(ca.issue(BANK))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    async with open_house(tls=ca.server()) as house:
        with pytest.raises(ssl.SSLError) as told:
            async with bare_tls(house.port, context):
                pass

    assert "TLSV1_ALERT_PROTOCOL_VERSION" == told.value.reason


@pytest.mark.parametrize(
    "sent", [b"\x00\x400800" + b"0" * 60, b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 300_000, b"\x00" * 8]
)
async def test_plaintext_on_a_tls_port_learns_nothing(ca: LabCa, sent: bytes) -> None:
    """ISO 8583 in the clear, HTTP and noise are hung up on; at most an alert comes back."""
    async with open_house(tls=ca.server()) as house, caller(house, signs_on=False) as stranger:
        stranger.writer.write(sent)

        heard = await _rest(stranger)

        assert heard == b"" or (heard[0] == ALERT and len(heard) == 7)
        assert [] == house.logged("link opened")


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_stalled_handshake_is_closed_in_time(ca: LabCa, sent: bytes) -> None:
    """Who says nothing, or half a hello, is hung up on after the handshake's time."""
    async with _still_house(ca) as house, caller(house, signs_on=False) as stranger:
        stranger.writer.write(sent)
        await _until(lambda: house.desk._lines)
        house.pass_time(GENEROUS.line.handshake_seconds_max - 0.5)
        assert [] == house.logged("handshake failed")

        house.pass_time(1.0)

        assert b"" == await _rest(stranger)
        (line,) = house.logged("handshake failed")
        assert "the TLS handshake was not finished in time" == line["reason"]


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (600, []),
        (2_000, ["TLS: more than 32768 bytes came before the handshake was done"]),
    ],
)
async def test_certificate_may_be_so_long(ca: LabCa, names: int, refused: list[str]) -> None:
    """Twenty kilobytes of certificate get in; sixty are hung up on, and the log says at what."""
    dns = [f"atm-{at}.branch.of.bank.example" for at in range(names)]
    context = ca.client(ca.issue(BANK, *dns))

    async with open_house(tls=ca.server()) as house:
        with suppress(ssl.SSLError, ConnectionError):
            await _ask(house, context)
        await _until(lambda: house.logged("link opened") or house.logged("handshake failed"))

        assert refused == [line["reason"] for line in house.logged("handshake failed")]


async def test_dripping_handshake_gains_no_time(ca: LabCa) -> None:
    """The handshake's time counts from the connection, not from the last byte."""
    async with _still_house(ca) as house, caller(house, signs_on=False) as stranger:
        await _until(lambda: house.desk._lines)
        for byte in b"\x16\x03\x01\x02\x00":
            stranger.writer.write(bytes([byte]))
            await stranger.writer.drain()
            house.pass_time(1.1)

        assert b"" == await _rest(stranger)


async def test_peer_that_never_leaves_is_cut_off(ca: LabCa) -> None:
    """After our hanging up a peer that fetches nothing is given two seconds, then cut off."""
    line = replace(GENEROUS.line, write_buffer_bytes_max=100_000_000)
    limits, context = replace(GENEROUS, line=line), ca.client(ca.issue(BANK))

    async with (
        open_house(limits=limits, tls=ca.server()) as house,
        bare_tls(house.port, context) as client,
    ):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await _until(lambda: house.logged("link opened"))
        (ours,) = house.desk._lines.values()
        assert ours._transport is not None
        while not ours._transport.get_write_buffer_size():
            ours.put(b"x" * 4000, None)
            ours.flush()
        ours.close("test")
        house.pass_time(1.0)
        assert house.desk._lines

        house.pass_time(1.5)

        await _until(lambda: not house.desk._lines)


async def test_flipped_bit_ends_the_link(ca: LabCa) -> None:
    """A record changed on its way is never read; the link is closed and says why."""
    context = ca.client(ca.issue(BANK))

    async with open_house(tls=ca.server()) as house, bare_tls(house.port, context) as client:
        await client.write(_framed(house, SIGN_ON))
        await client.read()
        client._tls.write(_framed(house, house.bench.inquiry()))
        record = bytearray(client._goes.read())
        record[40] ^= 1
        client.writer.write(bytes(record))

        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            await client.read()

        await _until(lambda: house.logged("link closed"))
        assert house.logged("link closed")[0]["why"].startswith("TLS: ")


@asynccontextmanager
async def _still_house(ca: LabCa) -> AsyncIterator[OpenHouse]:
    """Serve by TLS, with no time passing but what a test lets pass."""
    async with open_house(tls=ca.server()) as house:
        house.stop_clock()
        yield house


def _framed(house: OpenHouse, message: IsoMessage) -> bytes:
    dialect = house.bench.dialect
    return enclose(dialect.profile.framing, dialect.packager.pack(message))


async def _ask(house: OpenHouse, context: ssl.SSLContext) -> bytes:
    """Sign on without waiting for anything, as one who hopes to slip through."""
    async with bare_tls(house.port, context) as client:
        await client.write(_framed(house, SIGN_ON))
        return await client.read()


async def _rest(stranger: Caller) -> bytes:
    """Read to the end, however it ends."""
    try:
        return await asyncio.wait_for(stranger.reader.read(), SECONDS_MAX)
    except ConnectionError:
        return b""


async def _until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not holds():
            await asyncio.sleep(0.001)
