"""Claims about certificates that were taken back, and those that soon end."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.server.tls import TlsFiles, expiring, server_context, tls_problems
from atm_switch.wire.message import IsoMessage
from tests.doubles.certificates import DAY, LabCa
from tests.doubles.open_house import OpenHouse, caller, open_house

BANK = "switch.bank.example"
ECHO = IsoMessage("0800", {7: "0630072507", 11: "000002", 70: "301"})


@pytest.fixture
def ca(tmp_path: Path) -> LabCa:
    """A CA of its own for each test."""
    return LabCa(tmp_path)


async def answer_to(house: OpenHouse, context: ssl.SSLContext) -> str:
    """Return DE39 of an echo over a new link; nothing where the switch hangs up."""
    try:
        async with caller(house, tls=context) as line:
            line.say(ECHO)
            return (await line.hear())[39]
    except (OSError, EOFError):
        return ""


async def test_revoked_certificate_is_hung_up_on(ca: LabCa) -> None:
    """A certificate on the CA's list gets no answer; another of the same CA does."""
    gone, good = ca.issue(BANK, file="gone"), ca.issue(BANK, file="good")
    files = ca.server()._replace(crl=ca.revoke(gone))

    async with open_house(tls=files) as house:
        answers = [await answer_to(house, ca.client(one)) for one in (gone, good)]

    assert ["", "00"] == answers


async def test_reload_takes_a_newer_list(ca: LabCa) -> None:
    """A certificate revoked while the switch runs is hung up on after the next SIGHUP."""
    pair = ca.issue(BANK)
    files = ca.server()._replace(crl=ca.revoke())
    async with open_house(tls=files) as house:
        before = await answer_to(house, ca.client(pair))

        ca.revoke(pair)
        house.door.reload()
        after = await answer_to(house, ca.client(pair))

    assert ("00", "") == (before, after)


def test_list_out_of_date_is_refused(ca: LabCa) -> None:
    """A list that was to be renewed lets nobody judge, so no reload takes it."""
    files = ca.server()._replace(crl=ca.revoke(ends_in=-DAY))

    with pytest.raises(Refused, match="get the CA's newest list"):
        server_context(files)


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN X509 CRL-----\nAAAA\n"])
def test_no_list_where_one_should_be(ca: LabCa, tmp_path: Path, content: bytes) -> None:
    """A file without a list in it is named as such."""
    path = tmp_path / "list.pem"
    path.write_bytes(content)

    (problem,) = tls_problems(ca.server()._replace(crl=path))

    assert "crl" == problem.part
    assert "list.pem holds no" in problem.text


def test_what_ends_soon_is_named(ca: LabCa) -> None:
    """Certificate, CA and list are named from thirty days before their end, and not earlier."""
    files: TlsFiles = ca.server()._replace(crl=ca.revoke(ends_in=10 * DAY))
    now = datetime.now(UTC)

    soon = expiring(files, timedelta(days=30), now)
    later = expiring(files, timedelta(days=30), now + timedelta(days=340))

    assert ["crl"] == [one.part for one in soon]
    assert ["certificate", "client_ca", "crl"] == [one.part for one in later]
