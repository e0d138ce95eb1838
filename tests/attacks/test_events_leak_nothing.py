"""No event holds a card number, PIN, PIN block, track, key, NIK, KPJ or name.

A real switch under ``--mac required`` is told everything of ``canary_traffic``; whatever a
broker hears of it, topics and payloads, is searched for every canary in every disguise.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.profile.shipped import spec_text
from tests.attacks import canary_traffic as sent
from tests.doubles.brokers import EmbeddedBroker, Heard, Subscriber, free_port, running
from tests.doubles.canaries import Canary, hits
from tests.doubles.served import make_folder, serve
from tests.doubles.talk import Talk

SCHEMA = json.loads(spec_text("events/event-v1.schema.json"))
LIMITS = "\n[limits]\nbad_frames_per_minute = 0\n"


@dataclass
class Run:
    """What a broker heard of it all, and what it must not have heard."""

    heard: list[Heard]
    canaries: list[Canary]


def member_canaries(folder: Path) -> Iterator[Canary]:
    """Name the members' numbers and names."""
    with (folder / "sample" / "participants.csv").open() as file:
        for row in csv.DictReader(file):
            yield Canary("KPJ of a member", row["kpj"])
            yield Canary("name of a member", row["name"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Say everything, and hear all that is published."""
    folder, port = make_folder(tmp_path_factory.mktemp("events"), "--mac", "required"), free_port()
    settings = folder / "switch.toml"
    events = f'\n[events]\nbroker = "mqtt://127.0.0.1:{port}"\n'
    settings.write_text(settings.read_text() + LIMITS + events)
    canaries = [*sent.fixed_canaries(), *sent.folder_canaries(folder), *member_canaries(folder)]
    with running(EmbeddedBroker, port), Subscriber(port) as subscriber:
        with serve(folder) as served, Talk.of(served.port, folder) as talk:
            conversation = sent.Conversation(talk, 100)
            conversation.say_all()
            conversation.exchange_keys()
            with OutboxReader(folder / "journal.db", "switch") as reader:
                newest = reader.last_sequence()
            subscriber.wait_for(newest)
        heard = subscriber.wait(lambda heard: heard[-1].topic == "atm/switch/switch/status")
    canaries += [*conversation.canaries, *sent.folder_canaries(folder)]
    return Run(heard, canaries)


def test_events_of_all_traffic_came(whole: Run) -> None:
    """Approvals, declines, refusals, sessions and keys: an empty search would prove nothing."""
    codes = {one.told["transaction"]["de39"] for one in whole.heard if "transaction" in one.told}
    what = {one.told["security"].get("what") for one in whole.heard if "security" in one.told}

    assert {"00", "14", "30", "54", "55", "56", "62", "75"} <= codes
    assert {"mac refused", "key change", "transaction refused"} <= what
    assert {"transaction", "session", "security", "operation", "status"} <= {
        one.told["kind"] for one in whole.heard
    }


def test_no_event_holds_a_canary(whole: Run) -> None:
    """Neither a topic nor a payload holds any of them in any disguise."""
    sinks = {
        f"{one.topic} {one.sequence}": one.topic.encode() + b"\n" + one.raw for one in whole.heard
    }

    assert [] == hits(sinks, whole.canaries)


def test_every_event_of_the_traffic_keeps_to_the_schema(whole: Run) -> None:
    """Whatever peers send, what is published is valid."""
    validator = jsonschema.Draft202012Validator(SCHEMA)

    wrong = [
        f"{one.topic}: {error.message}"
        for one in whole.heard
        for error in validator.iter_errors(one.told)
    ]

    assert [] == wrong
