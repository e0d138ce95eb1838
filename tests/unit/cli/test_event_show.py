"""Events on the terminal: each once, wherever it was read."""

import json
from collections.abc import Iterable

import pytest

from atm_switch.cli.event_show import IDS_KEPT, EventShow

SWITCH = "switch-a"


def payload(number: int, switch: str = SWITCH, acquirer: str = "009") -> bytes:
    """Write an event as it is told."""
    told = {
        "event_id": f"{switch}-{number}", "sequence": number, "at": "2026-06-30T05:00:00Z",
        "switch": switch, "kind": "transaction", "acquirer": acquirer, "terminal": "1",
        "transaction": {"rrn": f"{number:012d}"},
    }  # fmt: skip
    return json.dumps(told).encode()


def shown(capsys: pytest.CaptureFixture[str]) -> list[int]:
    """Return the sequences printed since the last look."""
    return [json.loads(line)["sequence"] for line in capsys.readouterr().out.splitlines()]


def many(count: int) -> Iterable[bytes]:
    """Yield events in their order."""
    return map(payload, range(1, count + 1))


def test_outbox_read_after_the_broker_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """
    However many were told, those the outbox holds of them are passed over, and the next is not.
    """
    show = EventShow(SWITCH, as_json=True)
    show(many(IDS_KEPT + 100))
    first = shown(capsys)

    show.leave_out_what_was_told()
    show(many(IDS_KEPT + 102))

    assert list(range(1, IDS_KEPT + 101)) == first
    assert [IDS_KEPT + 101, IDS_KEPT + 102] == shown(capsys)
    assert IDS_KEPT + 102 == show.newest


def test_same_event_is_shown_once_and_others_switches_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """
    A second telling is no second event; another switch at the broker counts by itself.
    """
    show = EventShow(SWITCH, as_json=True)

    show([payload(7), payload(7), payload(9, "switch-b")])
    show.leave_out_what_was_told()
    show([payload(3, "switch-b"), payload(6), payload(8)])

    assert [7, 9, 3, 8] == shown(capsys)


def test_only_the_wanted_bank_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """
    What is no event, and what is another bank's, is passed over.
    """
    EventShow(SWITCH, "009", as_json=True)([payload(1, acquirer="014"), b"no event", payload(2)])

    assert [2] == shown(capsys)
