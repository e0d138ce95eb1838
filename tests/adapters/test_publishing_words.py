"""What the publishing says and to whom: the lines of the log, word by word, and its broker."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.adapters.mqtt_broker import Broker
from atm_switch.adapters.mqtt_publisher import EventPublisher
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.instant import Instant
from atm_switch.folder import DataFolder
from atm_switch.publishing import _chance, broker_of
from atm_switch.settings.load import read_settings
from atm_switch.switch.event import EventKind
from atm_switch.switch.ports import AuditRecord, KeepRecord
from tests.adapters.test_publishing import SETTINGS, Desk, desk
from tests.adapters.test_publishing_seats import becomes, seated
from tests.doubles.brokers import EmbeddedBroker, free_port, running
from tests.doubles.certificates import LabCa
from tests.doubles.event_kinds import SWITCH, transaction_note
from tests.doubles.journal_bench import NOON, JournalBench

if TYPE_CHECKING:
    from atm_switch.switch.event import Event


def lines(laid: Desk) -> list[dict[str, object]]:
    """The log, each line without when it was."""
    told = [json.loads(line) for line in laid.said.getvalue().splitlines()]
    return [{name: one[name] for name in one if name not in ("timestamp", "time")} for one in told]


def said(laid: Desk, event: str) -> dict[str, object]:
    """The one line of that name."""
    (line,) = [one for one in lines(laid) if one.get("event") == event]
    return line


async def test_broker_is_named_where_it_is_reached(tmp_path: Path) -> None:
    """By host and port."""
    port = free_port()
    with (
        running(EmbeddedBroker, port),
        desk(tmp_path, f'broker = "mqtt://127.0.0.1:{port}"') as laid,
    ):
        laid.publishing.start()
        await becomes(lambda: "broker connected" in laid.said.getvalue())
        await laid.publishing.stop()

        assert f"127.0.0.1:{port}" == said(laid, "broker connected")["at"]


async def test_publisher_that_ends_by_itself_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch goes on answering; that nobody is told any more is an error of the log."""

    async def run(_publisher: EventPublisher) -> None:
        raise LookupError("a mistake of ours")

    monkeypatch.setattr(EventPublisher, "run", run)
    with desk(tmp_path, f'broker = "mqtt://127.0.0.1:{free_port()}"') as laid:
        laid.publishing.start()
        await asyncio.sleep(0)
        await becomes(lambda: "events end" in laid.said.getvalue())
        line = said(laid, "mistake")
        await laid.publishing.stop()

    assert ("LookupError", "events end", "error") == (line["where"], line["what"], line["level"])


async def test_worker_that_is_not_the_first_tells_of_no_terminal(tmp_path: Path) -> None:
    """Neither that it is active nor, however long it is silent here, that it is silent."""
    with desk(tmp_path, "silence_seconds = 1") as laid:
        second = seated(laid, 2, "silence_seconds = 1")
        second.heard(transaction_note())
        second.tick(Instant(NOON, 1e9))
        await second.stop()

        assert [] == laid.events()


def test_broker_is_where_the_settings_say(tmp_path: Path) -> None:
    """Host, port, user and the files, which are in the folder."""
    (tmp_path / "password.txt").write_text("not a secret of anybody\n")
    (tmp_path / "password.txt").chmod(0o600)
    rules = 'broker = "mqtt://127.0.0.1:1884"\nusername = "atm"\npassword_file = "password.txt"'

    broker = broker_of(DataFolder(tmp_path, read_settings(SETTINGS + rules)))

    assert broker == Broker(
        "127.0.0.1", 1884, False, "atm", tmp_path / "password.txt", None, None, None  # noqa: FBT003
    )  # fmt: skip
    assert broker_of(DataFolder(tmp_path, read_settings(SETTINGS))) is None


def test_broker_by_tls_is_shown_the_files_of_the_folder(tmp_path: Path) -> None:
    """CA, certificate and its key, each where the settings say."""
    ca = LabCa(tmp_path)
    shown = ca.issue("switch.bank.example")
    rules = (
        f'broker = "mqtts://127.0.0.1:8884"\ntls_ca = "{ca.file.name}"\n'
        f'tls_certificate = "{shown.certificate.name}"\ntls_key = "{shown.key.name}"'
    )

    broker = broker_of(DataFolder(tmp_path, read_settings(SETTINGS + rules)))

    assert broker == Broker(
        "127.0.0.1", 8884, True, "", None, ca.file, shown.certificate, shown.key  # noqa: FBT003
    )  # fmt: skip


def test_full_outbox_is_told_with_its_numbers(tmp_path: Path) -> None:
    """From one event over ``outbox_max`` on: how many wait, and how many may."""
    with desk(tmp_path, "outbox_max = 1000") as laid:
        laid.publishing._care.waiting = 1000
        assert 0 == laid.publishing._surplus()
        assert [] == lines(laid)

        laid.publishing._care.waiting = 1001
        assert 1 == laid.publishing._surplus()
        line = said(laid, "outbox full")

    assert (1001, 1000, "warning") == (line["waiting"], line["outbox_max"], line["level"])


async def test_broker_away_warns_and_broker_there_does_not(tmp_path: Path) -> None:
    """Whoever reads warnings alone learns that nobody is told, and is left in peace after."""
    port = free_port()
    with desk(tmp_path, f'broker = "mqtt://127.0.0.1:{port}"') as laid:
        laid.publishing.start()
        await becomes(lambda: "broker away" in laid.said.getvalue())
        with running(EmbeddedBroker, port):
            await becomes(lambda: "broker connected" in laid.said.getvalue())
            await laid.publishing.stop()

        assert "info" == said(laid, "broker connected")["level"]
        assert {"warning"} == {one["level"] for one in lines(laid) if one["event"] == "broker away"}


def test_own_state_is_an_event_nobody_mistakes_for_another(tmp_path: Path) -> None:
    """Of the switch by its name, outside of the sequence, each with an id of its own."""
    with desk(tmp_path, 'name = "bank-1"') as laid:
        first, second = (laid.publishing._own_event({"state": "online"}) for _ in range(2))

    assert (0, EventKind.STATUS, SWITCH, "bank-1") == (
        first.sequence, first.kind, first.acquirer, first.terminal,
    )  # fmt: skip
    assert {"state": "online"} == first.body
    assert {32} == {len(one.event_id) for one in (first, second)}
    assert first.event_id != second.event_id


async def test_shared_journal_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """The switch starts and says why nothing is told: the journal, and not the broker, is away."""
    url = f"postgresql://atm@127.0.0.1:{free_port()}/journal"
    rules = f'broker = "mqtt://127.0.0.1:{free_port()}"\n[journal]\nurl = "{url}"\nnode = "one"\n'
    with desk(tmp_path, rules) as laid:
        laid.publishing.start()
        await becomes(lambda: "events wait" in laid.said.getvalue())
        status = laid.publishing.status()
        reason = str(said(laid, "events wait")["reason"])
        await laid.publishing.stop()

    assert not status["connected"]
    assert f"not asked: {reason}" == status["away"]
    assert "broker away" not in laid.said.getvalue()
    assert "the outbox is away" in reason or "cannot be reached" in reason


def test_chance_is_a_share() -> None:
    """From 0 to below 1, in either half: what a pause is spread by."""
    drawn = [_chance() for _ in range(200)]

    assert all(0 <= one < 1 for one in drawn)
    assert min(drawn) < 0.5 < max(drawn)


@pytest.mark.parametrize(
    ("record", "acquirer", "peer"),
    [
        (AuditRecord("sign-on", "10.0.0.1:4001", "acquirer 009"), "009", "10.0.0.1:4001"),
        (AuditRecord("start", "switch", "bank-1"), SWITCH, ""),
        (AuditRecord("command", "user root", "card 999009******0012"), SWITCH, ""),
        (AuditRecord("peer refused", "10.0.0.1:4001", "turned away"), "", "10.0.0.1:4001"),
    ],
)
def test_record_becomes_an_event_of_its_bank_and_peer(
    tmp_path: Path, record: AuditRecord, acquirer: str, peer: str
) -> None:
    """What the switch or an operator did has no peer; what concerns no bank is the switch's."""
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(KeepRecord(record))
        with OutboxReader(bench.path, SWITCH) as reader:
            told: tuple[Event, ...] = reader.tail(1)

    assert [(acquirer, peer)] == [(one.acquirer, one.body["peer"]) for one in told]
