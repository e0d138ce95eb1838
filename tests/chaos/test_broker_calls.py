"""The sweep over the publisher's calls: it counts them all, and sees an event that is lost."""

import json

import pytest

from atm_switch.adapters.mqtt_broker import Message
from tests.chaos.broker_calls import AWAY, EVENTS, WAYS, FrailSea, told
from tests.doubles.timed_publisher import Sea


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fails_at", [0, 1, 2, 3, 10, 40, 64])
def test_every_event_is_told_in_order_whatever_fails(fails_at: int, way: str) -> None:
    """The first calls, some in the midst of it, and the last."""
    calls, wrong = told(fails_at, way)

    assert [] == wrong
    assert calls > EVENTS


def test_event_that_is_acknowledged_unheard_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the sweep could not fail."""
    heard = Sea.publish

    async def deaf(sea: Sea, message: Message) -> None:
        if json.loads(message.payload)["sequence"] != EVENTS // 2:
            await heard(sea, message)

    monkeypatch.setattr(FrailSea, "publish", deaf)

    assert ["an event is not told", "events come first out of order"] == told(-1, AWAY)[1]
