"""Claims about a switch that dials its bank: settings, serve, status, in real processes."""

import asyncio
import json
import ssl
from pathlib import Path

import pytest

from atm_switch.wire.message import IsoMessage
from tests.doubles.bank_host import BankHost, until
from tests.doubles.certificates import LOOPBACK, LabCa
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.talk import inquiry

CARD = "9990090000000012"


def with_line(folder: Path, port: int, more: str = "") -> Path:
    """Add a line to dial to the settings of a folder."""
    settings = folder / "switch.toml"
    table = f'\n[[lines]]\nconnect = "127.0.0.1:{port}"\nacquirer = "009"\n{more}'
    settings.write_text(settings.read_text() + table)
    return folder


async def asked(bank: BankHost, stan: int) -> IsoMessage:
    """Ask over the newest line that has signed on."""
    return await bank.live[-1].ask(inquiry(stan, {2: CARD}))


async def signed_on(bank: BankHost, served: Served, times: int = 1) -> None:
    """Wait until the switch says that the line stands."""
    await until(lambda: times <= served.log.read_text().count("signed on"))
    await until(lambda: bool(bank.live))


@pytest.mark.parametrize("is_secured", [False, True], ids=["plain", "TLS"])
async def test_bank_restarts_and_asks_over_the_new_line(
    tmp_path: Path, *, is_secured: bool
) -> None:
    """The line signs on, answers, outlives a restart of the bank, and status shows it."""
    folder, more, context = make_folder(tmp_path, "--pin", "acquirer"), "", None
    if is_secured:
        ca = LabCa(tmp_path)
        theirs, ours = ca.issue("bank", address=LOOPBACK), ca.issue("switch.example")
        more = (
            f'tls_ca = "{ca.file}"\ntls_certificate = "{ours.certificate}"\n'
            f'tls_key = "{ours.key}"\n'
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(theirs.certificate, theirs.key)
        context.load_verify_locations(ca.file)
        context.verify_mode = ssl.CERT_REQUIRED
    bank = BankHost(tls=context)
    await bank.start()
    with serve(with_line(folder, bank.port, more)) as served:
        await signed_on(bank, served)
        assert "00" == (await asked(bank, 1))[39]

        await bank.stop()
        await bank.start()
        await signed_on(bank, served, times=2)

        assert "00" == (await asked(bank, 2))[39]
        told = await asyncio.to_thread(run, "status", folder, "--json")
        (line,) = json.loads(told.stdout)["dialling"]
        assert {"bank": f"127.0.0.1:{bank.port}", "state": "signed on"} == line
        listed = await asyncio.to_thread(run, "sessions", folder, "--json")
        (session,) = json.loads(listed.stdout)["sessions"]
        assert (True, "009", is_secured) == (
            session["is_ours"], session["acquirer"], session["tls"],
        )  # fmt: skip
    await bank.stop()


async def test_bank_with_a_certificate_of_another_name_is_not_signed_on_to(tmp_path: Path) -> None:
    """Whoever listens there must be called what the settings dial; no byte of ours is sent."""
    ca = LabCa(tmp_path)
    theirs, ours = ca.issue("other.example"), ca.issue("switch.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs.certificate, theirs.key)
    bank = BankHost(tls=context)
    await bank.start()
    more = f'tls_ca = "{ca.file}"\ntls_certificate = "{ours.certificate}"\ntls_key = "{ours.key}"\n'
    with serve(with_line(make_folder(tmp_path), bank.port, more)) as served:
        await asyncio.to_thread(served.wait_for, "certificate refused")

        assert not bank.live
    await bank.stop()
