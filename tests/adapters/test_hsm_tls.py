"""Claims about TLS towards the HSM: who is believed, what is shown, and what is said."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atm_switch.adapters.client_tls import client_context
from atm_switch.adapters.host_hsm import HostHsm
from atm_switch.adapters.hsm_link import HsmLine
from atm_switch.domain.errors import NeverAsked
from atm_switch.security.key_ring import KeyUsage
from atm_switch.server.tls import server_context
from atm_switch.switch.hsm_port import MakeMac
from atm_switch.switch.retries import Retries
from tests.doubles.certificates import DAY, LabCa, Pair
from tests.doubles.host_command_hsm import HostCommandHsm
from tests.doubles.hsm_rig import CHANCE, FIRST, LMK, mac_answer, until
from tests.doubles.local_master_key import LocalMasterKey

Context = Callable[[], ssl.SSLContext]


@pytest.fixture
def ca(tmp_path: Path) -> LabCa:
    """A CA of its own for each test."""
    return LabCa(tmp_path)


@asynccontextmanager
async def secured_hsm(ca: LabCa, name: str = "hsm") -> AsyncIterator[HostCommandHsm]:
    """Run a test HSM that wants certificates of ``ca``."""
    hsm = HostCommandHsm(LocalMasterKey(LMK, CHANCE), tls=server_context(ca.server(name)))
    await hsm.start()
    try:
        yield hsm
    finally:
        await hsm.stop()


@asynccontextmanager
async def engine_at(port: int, tls: Context | None) -> AsyncIterator[tuple[HostHsm, list[str]]]:
    """Run an engine with one connection; lend what it tells."""
    news: list[str] = []
    engine = HostHsm(
        [("127.0.0.1", port)], 1, HsmLine(5.0, 4, tls),
        tell=lambda event, fields: news.append(f"{event}: {fields.get('reason', '')}"),
        retries=Retries(lambda: 0.0, 0.01, 0.05),
    )  # fmt: skip
    await engine.start()
    try:
        yield engine, news
    finally:
        await engine.close()


def showing(ca: LabCa, pair: Pair) -> Context:
    """Believe a CA and show a certificate."""
    return lambda: client_context(ca.file, pair.certificate, pair.key)


async def a_mac(engine: HostHsm) -> bytes:
    """Have a MAC made."""
    key = LocalMasterKey(LMK).lmk_token(FIRST, KeyUsage.MAC)
    return await engine.make_mac(MakeMac("x9.19", key, b"0200 7"))


async def test_questions_go_over_tls(ca: LabCa) -> None:
    """With certificates on both sides the HSM answers all it is asked."""
    async with secured_hsm(ca) as hsm, engine_at(hsm.port, showing(ca, ca.issue("s"))) as (one, _):
        made = await asyncio.gather(*(a_mac(one) for _ in range(20)))

        assert {"NC": 1, "M6": 20} == dict(hsm.asked)
    assert [mac_answer(7)] * 20 == made


@pytest.mark.parametrize("fault", ["stranger's CA", "other host", "no certificate", "expired"])
async def test_whom_either_side_does_not_know_is_not_asked(fault: str, tmp_path: Path) -> None:
    """
    An HSM with a certificate of another CA or host, and a switch that shows none or one out of
    date: no command goes out, questions end at once, and the log says why.
    """
    ca, stranger = LabCa(tmp_path), LabCa(tmp_path, "OTHER CA")
    shown = ca.issue("switch")
    server = ca.server("hsm")
    contexts: dict[str, Context] = {
        "stranger's CA": showing(stranger, shown),
        "other host": showing(ca, shown),
        "no certificate": lambda: client_context(ca.file),
        "expired": showing(ca, ca.issue("old", ends_in=-DAY)),
    }
    if fault == "other host":
        pair = ca.issue("elsewhere", address="127.0.0.9", file="elsewhere")
        server = server._replace(certificate=pair.certificate, key=pair.key)
    hsm = HostCommandHsm(LocalMasterKey(LMK), tls=server_context(server))
    await hsm.start()

    async with engine_at(hsm.port, contexts[fault]) as (engine, news):
        await until(lambda: bool(news))
        with pytest.raises(NeverAsked):
            await a_mac(engine)

        assert 0 == engine.live
    await hsm.stop()
    assert not hsm.asked
    assert 1 == len(news)
    assert news[0].startswith("hsm away: ")


async def test_renewed_certificate_needs_no_restart(ca: LabCa) -> None:
    """Files are read at each connection: new ones in their place are shown at the next."""
    old = ca.issue("switch", file="shown")
    async with (
        secured_hsm(ca) as hsm,
        engine_at(hsm.port, showing(ca, old)) as (engine, news),
    ):
        before = ca.issue("switch", file="shown")
        hsm.hang_up()
        await until(lambda: 1 == len([one for one in news if "lost" in one]))
        await until(lambda: 1 == engine.live)

        assert before == old
        assert mac_answer(7) == await a_mac(engine)


async def test_files_that_cannot_be_used_are_an_hsm_away(ca: LabCa, tmp_path: Path) -> None:
    """A file that is gone or holds nothing useful stops no switch; it says so and tries on."""
    (tmp_path / "empty.pem").write_text("")
    for name in ("gone", "empty"):
        useless = tmp_path / f"{name}.pem"
        async with engine_at(1, showing(ca, Pair(useless, useless))) as (engine, news):
            assert 0 == engine.live
            assert news[0].startswith("hsm away: no connection: ")


async def test_plain_switch_learns_nothing_from_a_secured_hsm(ca: LabCa) -> None:
    """Without TLS such an HSM is away; and one without TLS is away for a switch that has it."""
    plain = HostCommandHsm(LocalMasterKey(LMK))
    await plain.start()
    async with secured_hsm(ca) as hsm, engine_at(hsm.port, None) as (engine, _):
        assert 0 == engine.live
    async with engine_at(plain.port, showing(ca, ca.issue("s"))) as (engine, _):
        assert 0 == engine.live
    await plain.stop()
    assert not plain.asked
