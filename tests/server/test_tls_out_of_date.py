"""Files of TLS that are out of date: a door opens with them, and nobody comes in by it."""

import ssl
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from tests.doubles.certificates import DAY, LabCa
from tests.doubles.open_house import caller, open_house
from tests.server.test_tls_revocation import BANK, answer_to


@pytest.fixture
def ca(tmp_path: Path) -> LabCa:
    """A CA of its own for each test."""
    return LabCa(tmp_path)


@pytest.mark.parametrize("what", ["crl", "client_ca"])
async def test_nobody_comes_in_behind_an_end(ca: LabCa, what: str) -> None:
    """
    A revocation list that was to be renewed, or a CA that has ended, is no reason not to start:
    the door is open, a good certificate gets no answer, and does once the file is renewed.
    """
    good = ca.client(ca.issue(BANK))
    files = ca.server()._replace(crl=ca.revoke(ends_in=-DAY if what == "crl" else DAY))
    if what == "client_ca":
        ca.write_own(ends_in=-DAY)

    async with open_house(tls=files) as house:
        answers = [await answer_to(house, good)]
        ca.revoke()
        ca.write_own()
        house.door.reload()
        answers.append(await answer_to(house, good))

    assert ["", "00"] == answers


async def test_own_certificate_out_of_date_is_the_callers_to_refuse(ca: LabCa) -> None:
    """The door opens; whoever looks at what the switch shows hangs up."""
    ours = ca.issue("switch", "localhost", address="127.0.0.1", ends_in=-DAY)
    files = ca.server()._replace(certificate=ours.certificate, key=ours.key)
    caller_of = ca.client(ca.issue(BANK))

    async with open_house(tls=files) as house:
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            async with caller(house, tls=caller_of):
                pass


async def test_reload_of_an_old_list_changes_nothing(ca: LabCa) -> None:
    """What is in use is better than what is out of date: refused, and links come in as before."""
    good = ca.client(ca.issue(BANK))
    files = ca.server()._replace(crl=ca.revoke())

    async with open_house(tls=files) as house:
        ca.revoke(ends_in=-DAY)
        with pytest.raises(Refused, match="get the CA's newest list"):
            house.door.reload()

        assert "00" == await answer_to(house, good)
