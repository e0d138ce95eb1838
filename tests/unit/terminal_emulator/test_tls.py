"""Claims about calling a host by TLS: every way it can fail is one sentence that helps."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from terminal_emulator.address import Address
from terminal_emulator.link import LinkError, open_link
from terminal_emulator.terminal import Verb
from terminal_emulator.tls import client_context
from tests.doubles.certificates import LabCa
from tests.doubles.open_house import open_house
from tests.unit.terminal_emulator.emulator import run
from tests.unit.terminal_emulator.host import PROFILE
from tests.unit.terminal_emulator.test_terminal import MOMENT, terminal

SECONDS = 30.0


@pytest.fixture
def ca(tmp_path: Path) -> LabCa:
    """The CA the terminal is told."""
    return LabCa(tmp_path)


@asynccontextmanager
async def host(context: ssl.SSLContext | None, greeting: bytes = b"") -> AsyncIterator[Address]:
    """A host that takes one call and says no more than a greeting."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        try:
            await reader.read(1)
        except OSError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    try:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await asyncio.sleep(0)


async def sentence_of(
    context: ssl.SSLContext | None, tls: ssl.SSLContext | None, greeting: bytes = b""
) -> str:
    """Call a host of a few lines, and return the sentence that fails with."""
    async with host(context, greeting) as address:
        return await failed_call(address, tls)


async def failed_call(address: Address, tls: ssl.SSLContext | None) -> str:
    """Ask for an echo, and return the sentence it fails with."""
    with pytest.raises(LinkError) as caught:
        async with await open_link(address, PROFILE, SECONDS, tls=tls) as link:
            await link.ask(terminal().network(Verb.ECHO, MOMENT), SECONDS)
    return str(caught.value).replace(str(address), "HOST")


def shows(ca: LabCa, **certificate: object) -> ssl.SSLContext:
    """A host's context that asks for no certificate."""
    pair = ca.issue("host", **certificate)  # type: ignore[arg-type]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


async def test_foreign_ca_is_told_from_others(ca: LabCa, tmp_path: Path) -> None:
    """A host whose certificate is of another CA is not believed."""
    other = LabCa(tmp_path, "OTHER")

    told = await sentence_of(shows(other, address="127.0.0.1"), client_context(ca.file, None, None))

    expected = "the certificate of HOST is not of the CA in --tls-ca; pass the CA that issued it"
    assert expected == told


async def test_expired_certificate_of_the_host(ca: LabCa) -> None:
    """A host whose certificate ended is not believed."""
    old = shows(ca, address="127.0.0.1", ends_in=-timedelta(days=1))

    told = await sentence_of(old, client_context(ca.file, None, None))

    assert "the certificate of HOST has expired; whoever runs the host must renew it" == told


async def test_host_of_another_name(ca: LabCa) -> None:
    """A good certificate for another name than the one called is not believed."""
    told = await sentence_of(shows(ca, address="127.0.0.2"), client_context(ca.file, None, None))

    assert told == (
        "the certificate of HOST is not for 127.0.0.1; call the host by a name it is for"
    )


async def test_host_without_tls_hangs_up(ca: LabCa) -> None:
    """A host that hangs up on the hello is told with what to leave out."""
    told = await sentence_of(None, client_context(ca.file, None, None))

    assert "leave out --tls-ca" in told


async def test_host_without_tls_answers(ca: LabCa) -> None:
    """A host that answers the hello with something else does not speak TLS."""
    told = await sentence_of(None, client_context(ca.file, None, None), b"\x00\x040810" * 4)

    assert "HOST does not speak TLS; leave out --tls-ca" == told


async def test_host_wants_a_certificate(ca: LabCa) -> None:
    """Without a certificate of ours the sentence says how to pass one, in TLS 1.2 and 1.3."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tls = client_context(ca.file, None, None)
        assert tls is not None
        tls.maximum_version = version

        async with open_house(tls=ca.server()) as house:
            told = await failed_call(Address("127.0.0.1", house.port), tls)

        assert "have its CA issue one, and pass it with --tls-cert and --tls-key" in told


@pytest.mark.parametrize("given", [("ca", "cert"), ("ca", "key"), ("cert", "key")])
def test_options_that_do_not_go_together(ca: LabCa, given: tuple[str, ...]) -> None:
    """Half a pair, or a pair without a CA, is wrong usage."""
    pair = ca.issue("x")
    options = {"ca": ca.file, "cert": pair.certificate, "key": pair.key}
    arguments = [text for name in given for text in (f"--tls-{name}", str(options[name]))]

    done = run("echo", *arguments)

    assert (2, True) == (done.returncode, "--tls-cert" in done.stderr)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("ca absent", "cannot be read: No such file or directory; pass the host's CA as PEM"),
        ("ca empty", "holds no certificate; pass the host's CA as PEM"),
        ("certificate absent", "cannot be read: No such file or directory"),
        ("key of another", "is not the unenciphered PEM key of --tls-cert"),
    ],
)
def test_unusable_file_is_one_sentence(ca: LabCa, wrong: str, sentence: str) -> None:
    """A file that is missing or holds something else is named with its option."""
    pair, other = ca.issue("x"), ca.issue("y")
    key = other.key if wrong == "key of another" else pair.key
    if wrong == "ca empty":
        ca.file.write_text("")
    if wrong.endswith("absent"):
        (ca.file if wrong.startswith("ca") else pair.certificate).unlink()

    with pytest.raises(Refused) as refused:
        client_context(ca.file, pair.certificate, key)

    assert sentence in str(refused.value)


def test_without_a_ca_there_is_no_tls() -> None:
    """TLS is spoken only where it is asked for."""
    assert None is client_context(None, None, None)
