"""Claims about TLS links: who gets in, what they may say, and what a reload changes."""

import asyncio
import ssl
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.server.channel import TlsChannel
from atm_switch.server.tls import TlsFiles, server_context, tls_problems
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.doubles.bare_tls import bare_tls
from tests.doubles.bench import Bench, bank
from tests.doubles.certificates import LabCa
from tests.doubles.open_house import Caller, OpenHouse, caller, open_house

BANK = "switch.bank.example"


@pytest.fixture
def ca(tmp_path: Path) -> LabCa:
    """A CA of its own for each test."""
    return LabCa(tmp_path)


def echo(stan: str) -> IsoMessage:
    """An echo request."""
    return IsoMessage("0800", {7: "0630072507", 11: stan, 70: "301"})


def sign_on() -> IsoMessage:
    """A sign-on without DE32."""
    return IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})


def framed(house: OpenHouse, message: IsoMessage) -> bytes:
    """A message as bytes on the stream."""
    dialect = house.bench.dialect
    return enclose(dialect.profile.framing, dialect.packager.pack(message))


def shown_to(client: Caller) -> bytes:
    """Return the certificate the house showed this client."""
    shown = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert isinstance(shown, bytes)
    return shown


async def test_inquiry_over_tls_is_approved(ca: LabCa) -> None:
    """With certificates on both sides the golden inquiry gets its 0210."""
    client = ca.client(ca.issue(BANK))

    async with open_house(tls=ca.server()) as house, caller(house, tls=client) as bank_line:
        bank_line.say(house.bench.inquiry())

        response = await bank_line.hear()

    assert ("0210", "00") == (response.mti, response[39])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_of_tls_work(ca: LabCa, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3 are both spoken."""
    client = ca.client(ca.issue(BANK))
    client.minimum_version = client.maximum_version = version

    async with open_house(tls=ca.server()) as house, caller(house, tls=client) as bank_line:
        bank_line.say(echo("000002"))

        assert "00" == (await bank_line.hear())[39]


async def test_core_knows_the_names_shown(ca: LabCa) -> None:
    """CN and DNS names of the peer's certificate reach session and log; addresses do not."""
    client = ca.client(ca.issue("Bank Contoh", BANK, "b.example", address="10.1.2.3"))

    async with open_house(tls=ca.server()) as house, caller(house, tls=client):
        (session,) = (one for one in house.switch._sessions.values() if one.is_tls)
        (opened,) = house.logged("link opened")

    assert {"Bank Contoh", BANK, "b.example"} == session.peer_names
    assert sorted(session.peer_names) == opened["certificate"]


async def test_handshake_and_request_may_come_byte_by_byte(ca: LabCa) -> None:
    """A client whose every byte comes alone is answered as one that writes at once."""
    context = ca.client(ca.issue(BANK))

    async with (
        open_house(tls=ca.server()) as house,
        bare_tls(house.port, context, step=1) as client,
    ):
        await client.write(framed(house, echo("000003")))

        assert b"000003" in await client.read()


async def test_goodbye_waits_for_answers_under_way(ca: LabCa) -> None:
    """What a peer asked before its close_notify is answered; then the link ends both ways."""
    context = ca.client(ca.issue(BANK))

    async with open_house(tls=ca.server()) as house, bare_tls(house.port, context) as client:
        await client.write(framed(house, sign_on()))
        await client.read()
        house.journal.holds = True
        await client.write(framed(house, house.bench.inquiry()))
        await client.say_goodbye()
        (line,) = house.desk._lines.values()
        while not line.channel.is_ended:
            await asyncio.sleep(0)

        house.journal.release()

        assert (b"0210", b"") == ((await client.read())[2:6], await client.read())


def test_long_answers_cross_record_by_record(ca: LabCa) -> None:
    """A hundred kilobytes in one piece come out whole, and so does what follows."""
    channel = TlsChannel(server_context(ca.server()))
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ca.client(ca.issue(BANK)).wrap_bio(came, goes, server_hostname="localhost")
    while not channel.is_open:
        with suppress(ssl.SSLWantReadError):
            client.do_handshake()
        channel.receive(goes.read())
        came.write(channel.outgoing())
    said = bytes(range(256)) * 400

    channel.send(said)
    channel.send(b"and more")
    came.write(channel.outgoing())

    heard = b""
    while len(heard) < len(said) + 8:
        heard += client.read(65_536)
    assert said + b"and more" == heard


async def test_reload_keeps_links_and_changes_new_ones(ca: LabCa) -> None:
    """A link opened before a reload goes on; one opened after it sees the new certificate."""
    files = ca.server()
    client = ca.client(ca.issue(BANK))
    async with open_house(tls=files) as house, caller(house, tls=client) as before:
        ca.server()  # another certificate, in the same files

        house.door.reload()

        async with caller(house, tls=client) as after:
            before.say(echo("000005"))
            assert "00" == (await before.hear())[39]
            assert shown_to(before) != shown_to(after)


async def test_reload_changes_who_is_let_in(ca: LabCa, tmp_path: Path) -> None:
    """After a change of CA the old CA's clients are out and the new one's are in."""
    other = LabCa(tmp_path, "OTHER CA")
    files = ca.server()
    old, new = ca.client(ca.issue(BANK)), ca.client(other.issue(BANK))
    async with open_house(tls=files) as house:
        ca.file.write_bytes(other.file.read_bytes())

        house.door.reload()

        async with caller(house, tls=new):
            pass
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with caller(house, tls=old):
                pass


async def test_failed_reload_keeps_what_works(ca: LabCa) -> None:
    """Files that cannot be used are refused, and new links still get the old certificate."""
    files = ca.server()
    client = ca.client(ca.issue(BANK))
    async with open_house(tls=files) as house, caller(house, tls=client) as before:
        files.certificate.write_text("nothing")

        with pytest.raises(Refused, match="holds no certificate"):
            house.door.reload()

        async with caller(house, tls=client) as after:
            assert shown_to(before) == shown_to(after)


async def test_sign_on_needs_the_banks_certificate(ca: LabCa) -> None:
    """A name among the bank's signs on; a stranger of the same CA gets 31, and so no further."""
    bench = Bench(banks=(bank(certificate_names=frozenset({BANK})),))
    right, wrong = ca.client(ca.issue("x", BANK)), ca.client(ca.issue("other.example"))

    async with open_house(bench, tls=ca.server()) as house:
        async with caller(house, tls=right):
            pass
        async with caller(house, tls=wrong, signs_on=False) as stranger:
            stranger.say(sign_on())
            stranger.say(house.bench.inquiry())
            codes = [(await stranger.hear())[39] for _ in range(2)]

    assert ["31", "58"] == codes


@pytest.mark.parametrize(
    ("part", "content", "says"),
    [
        ("certificate", None, "cannot be read (No such file or directory)"),
        ("key", None, "cannot be read (No such file or directory)"),
        ("client_ca", None, "cannot be read (No such file or directory)"),
        ("certificate", "none", "holds no certificate"),
        ("key", "none", "is no key that can be used"),
        ("client_ca", "none", "holds no certificate"),
    ],
)
def test_unusable_file_is_named_with_a_remedy(
    ca: LabCa, part: str, content: str | None, says: str
) -> None:
    """Each file that is missing or holds something else is refused by its own name."""
    files = ca.server()
    path: Path = getattr(files, part)
    path.unlink()
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)

    (problem,) = tls_problems(files)

    assert part == problem.part
    assert problem.text.startswith(f"{path} {says}")
    with pytest.raises(Refused):
        server_context(files)


def test_key_open_to_others_is_refused(ca: LabCa) -> None:
    """A key the group may read is refused with the command that closes it."""
    files = ca.server()
    files.key.chmod(0o640)

    (problem,) = tls_problems(files)

    assert f"{files.key} is open to others (mode 0640): chmod go= {files.key}" == problem.text


def test_key_of_another_certificate_is_refused(ca: LabCa) -> None:
    """A certificate and a key that do not belong together are told apart."""
    files = ca.server()._replace(key=ca.issue("other").key)

    (problem,) = tls_problems(files)

    assert ("key", True) == (problem.part, "is not the key of" in problem.text)


@pytest.mark.parametrize("part", ["certificate", "client_ca"])
def test_expired_certificate_is_refused(ca: LabCa, part: str) -> None:
    """Nothing could connect, so an expired certificate of either side is named at once."""
    old = ca.issue("old", ends_in=-timedelta(days=1))
    files = ca.server()
    files = files._replace(key=old.key) if part == "certificate" else files
    files = files._replace(**{part: old.certificate})

    assert [part] == [problem.part for problem in tls_problems(files)]
    assert "expired on" in tls_problems(files)[0].text


def test_every_wrong_file_is_named_at_once(tmp_path: Path) -> None:
    """Three missing files are three problems."""
    files = TlsFiles(tmp_path / "a", tmp_path / "b", tmp_path / "c")

    assert ["certificate", "key", "client_ca"] == [one.part for one in tls_problems(files)]
