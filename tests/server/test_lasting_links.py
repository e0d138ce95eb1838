"""However many links last, no search for garbage takes long; and one that ends leaves nothing."""

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from atm_switch.server.channel import PlainChannel, TlsChannel
from atm_switch.server.lasting_links import (
    FROZEN_AT,
    MADE_BETWEEN_LOOKS,
    QUIET_TICKS,
    YOUNG,
    LastingLinks,
    settle,
)
from atm_switch.server.line import Line
from atm_switch.switch.case import Case
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.session import Session
from atm_switch.wire.framing import FrameBuffer
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench, bank
from tests.doubles.certificates import LabCa
from tests.doubles.open_house import caller, open_house
from tests.server.test_link_endings import until

BANK = "switch.bank.example"
LINKS, OF_ONE = 12, (Line, FrameBuffer, Session, Case, PlainChannel, TlsChannel)
"""What a link and its requests are made of."""


@pytest.fixture
def collected_by_nobody() -> Iterator[None]:
    """Have nothing looked for but by who says so, and whatever is frozen thawed at the end."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
        gc.collect()


def there() -> Counter[str]:
    """Count what there is of links, frozen or not, without looking for garbage."""
    gc.unfreeze()
    names = (type(one).__name__ for one in gc.get_objects() if isinstance(one, OF_ONE))
    return Counter(names)


@pytest.mark.usefixtures("collected_by_nobody")
def test_what_there_is_is_frozen_once_so_many_more_stand() -> None:
    """Not before, not again while as many stand, and never for links that come and go."""
    links, counts = LastingLinks(), [gc.get_freeze_count()]
    more: list[list[Any]] = []
    for standing in (FROZEN_AT - 1, FROZEN_AT, FROZEN_AT, 2 * FROZEN_AT - 1, 2 * FROZEN_AT):
        more += [[] for _ in range(2_000)]
        links.tick(standing, is_quiet=True)
        counts.append(gc.get_freeze_count())
    none, too_few, frozen, again, still, anew = counts

    assert none == too_few
    assert frozen > none + 2_000
    assert max(again, still) <= frozen
    assert anew > frozen + 2_000


class Circle:
    """Something that holds itself, as a broker's client does."""

    def __init__(self) -> None:
        """Close it."""
        self.own = self


def frozen_circle(links: LastingLinks) -> "weakref.ref[Circle]":
    """Freeze a circle, drop it, and have half of the links gone while somebody asks."""
    circle = Circle()
    links.tick(FROZEN_AT, is_quiet=False)
    left = weakref.ref(circle)
    del circle
    gc.collect()
    links.tick(FROZEN_AT // 2 + 1, is_quiet=True)
    assert left() is not None
    links.tick(FROZEN_AT // 2, is_quiet=False)
    return left


@pytest.mark.usefixtures("collected_by_nobody")
def test_circle_that_was_frozen_is_found_once_half_of_the_links_are_gone() -> None:
    """What became garbage since does not heap up; it is looked for when nobody has asked lately."""
    links = LastingLinks()
    left = frozen_circle(links)
    kept = []
    for is_quiet in (*[True] * (QUIET_TICKS - 1), False, *[True] * QUIET_TICKS):
        kept.append(left() is not None)
        links.tick(FROZEN_AT // 2, is_quiet=is_quiet)

    assert [True] * (2 * QUIET_TICKS) == kept
    assert left() is None


@pytest.mark.usefixtures("collected_by_nobody")
def test_circle_that_was_frozen_is_found_after_a_day_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However busy the switch is, and whatever was frozen meanwhile."""
    day = 20
    monkeypatch.setattr("atm_switch.server.lasting_links.OWED_TICKS_MAX", day)
    links = LastingLinks()
    left = frozen_circle(links)
    kept = []
    for standing in range(FROZEN_AT, FROZEN_AT + day):
        kept.append(left() is not None)
        links.tick(standing, is_quiet=False)

    assert [True] * day == kept
    assert left() is None


@pytest.mark.usefixtures("collected_by_nobody")
def test_circle_that_was_frozen_is_found_once_half_of_the_links_are_gone_again() -> None:
    """However busy the switch is: peers that come and go by hundreds heap nothing up."""
    links = LastingLinks()
    left = frozen_circle(links)
    links.tick(2 * FROZEN_AT, is_quiet=False)
    kept = left() is not None
    links.tick(FROZEN_AT, is_quiet=False)

    assert kept
    assert left() is None


@pytest.mark.parametrize("is_held", [False, True], ids=["answered", "under way"])
@pytest.mark.usefixtures("collected_by_nobody")
async def test_nobody_who_asks_waits_for_what_was_frozen_to_be_looked_through(
    monkeypatch: pytest.MonkeyPatch, *, is_held: bool
) -> None:
    """No tick with a request under way is quiet, nor one behind an answer."""
    monkeypatch.setattr("atm_switch.server.lasting_links.FROZEN_AT", 2)
    bench, circle = Bench(), Circle()
    left = weakref.ref(circle)
    async with open_house(bench) as house, caller(house) as client:
        async with caller(house):
            await until(lambda: house.desk.connections == 2)
            house.desk.tick()
        del circle
        await until(lambda: house.desk.connections == 1)
        house.journal.holds = is_held
        for number in range(2 * QUIET_TICKS):
            if number == 0 or not is_held:
                client.say(bench.inquiry({11: f"{number:06d}", 37: f"51810700{number:04d}"}))
                await (until(lambda: len(house.journal.held) == 1) if is_held else client.hear())
            house.desk.tick()
        kept = left() is not None
        house.journal.release()
        await until(lambda: house.desk.in_flight == 0)
        house.desk.tick()
        for _ in range(QUIET_TICKS):
            house.desk.tick()

    assert kept
    assert left() is None


@pytest.mark.parametrize("is_secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.usefixtures("collected_by_nobody")
async def test_link_frozen_amid_its_request_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_secured: bool
) -> None:
    """
    Frozen while every link has a request under way; it is answered, another is refused, a third
    breaks the stream, which ends the link: all that it was made of is freed by that alone, or
    the memory of a switch whose links come and go would rise.
    """
    monkeypatch.setattr("atm_switch.server.lasting_links.FROZEN_AT", LINKS)
    ca = LabCa(tmp_path)
    tls = ca.client(ca.issue(BANK)) if is_secured else None
    entrance: dict[str, Any] = {"tls": ca.server()} if is_secured else {}
    bench = Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))
    async with open_house(bench, **entrance) as house:
        before = there()
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(caller(house, tls=tls)) for _ in range(LINKS)
            ]
            house.journal.holds = True
            for at, client in enumerate(clients):
                client.say(bench.inquiry({11: f"{at:06d}", 37: f"51810700{at:04d}"}))
            await until(lambda: len(house.journal.held) == LINKS)
            amid = there() - before
            house.desk.tick()
            frozen = gc.get_freeze_count()
            house.journal.release()
            codes = [(await client.hear())[39] for client in clients]
            for client in clients:
                client.say(IsoMessage("0200", {3: "999999", 11: "000077"}))
            refused = {(await client.hear())[39] for client in clients}
            for client in clients:
                client.writer.write(b"\xff\xff\xff\xff")
                assert await client.is_hung_up()
        await until(lambda: house.desk.connections == 0)
        del client
        clients.clear()
        await asyncio.sleep(0)
        left = there()

    assert {"Line": LINKS, "Case": LINKS}.items() <= amid.items()
    assert frozen > 1_000
    assert (["00"] * LINKS, True) == (codes, "00" not in refused)
    assert before == left


@pytest.mark.usefixtures("collected_by_nobody")
def test_what_a_start_made_is_frozen_and_the_young_are_looked_at_seldom() -> None:
    """Both at once; how often the older are looked at stays as it was."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        settle()

        assert gc.get_freeze_count() > frozen
        assert (MADE_BETWEEN_LOOKS, *before[1:]) == gc.get_threshold()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@pytest.mark.usefixtures("collected_by_nobody")
def test_what_is_old_is_looked_through_by_itself_however_much_a_start_made() -> None:
    """The interpreter measures by what its last full look went over; that is next to nothing."""
    before = gc.get_threshold()
    of_a_start: list[list[Any]] = [[] for _ in range(50_000)]
    gc.collect()
    try:
        settle()
        gc.set_threshold(100, 1, 1)
        circle = Circle()
        left = weakref.ref(circle)
        gc.collect(YOUNG)
        del circle
        gc.enable()
        made: list[list[Any]] = [[] for _ in range(2_000)]
    finally:
        gc.set_threshold(*before)

    assert left() is None
    assert len(of_a_start) > len(made)
