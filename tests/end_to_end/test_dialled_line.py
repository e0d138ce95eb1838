"""Claims about a switch that dials its bank: settings, serve, status, in real processes."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atm_switch.wire.message import IsoMessage
from tests.doubles.bank_host import SIGN_OFF, BankHost, until
from tests.doubles.certificates import LOOPBACK, LabCa
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.talk import inquiry
from tests.doubles.workers import with_workers

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


@asynccontextmanager
async def dialling(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """Serve a folder without a listener for a block; its log goes beside it."""
    log = folder.parent / "dialling.log"
    with log.open("w") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "atm_switch", "serve", str(folder)),
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
    try:
        yield process, log
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@pytest.mark.parametrize("workers", [1, 2])
async def test_switch_that_only_dials_is_up_and_leaves_in_order(
    tmp_path: Path, workers: int
) -> None:
    """
    Without a listener it says where it dials, alone or with workers that share the lines;
    asked to stop it signs off on every line and ends with 0.
    """
    folder = make_folder(tmp_path, "--pin", "acquirer")
    bank = BankHost()
    await bank.start()
    with_line(folder, bank.port, "connections = 2\n")
    without_listener(folder)
    if workers > 1:
        with_workers(folder, workers)
    async with dialling(folder) as (process, log):
        assert process.stdout is not None
        said = await asyncio.wait_for(process.stdout.readline(), 90)
        assert f"dialling 127.0.0.1:{bank.port}\n" == said.decode()
        await until(lambda: 2 == len(bank.live) and 2 <= log.read_text().count("signed on"))
        assert "00" == (await asked(bank, 1))[39]

        process.terminate()

        assert 0 == await asyncio.wait_for(process.wait(), 90)
    # it may have gone before we read its last word: the switch waits a second for our answer
    await until(lambda: all(line.is_gone for line in bank.lines))
    assert [1, 1] == [len(line.requests(SIGN_OFF)) for line in bank.lines]
    await bank.stop()


def without_listener(folder: Path) -> None:
    """Take the listeners out of the settings."""
    settings = folder / "switch.toml"
    before, _, rest = settings.read_text().partition("[[listeners]]")
    settings.write_text(before + rest[rest.index("[[acquirers]]") :])
