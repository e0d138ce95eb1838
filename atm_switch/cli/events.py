"""``atm-switch events``: what is told to the MQTT broker, live, and how much still waits."""

import asyncio
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atm_switch.cli.event_show import EventShow
from atm_switch.cli.options import acquirer_id, data_folder, examples
from atm_switch.command_groups import Group, is_reader_gone, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from atm_switch.adapters.mqtt_broker import Broker, BrokerLink
    from atm_switch.adapters.shared_events import OutboxState, Place
    from atm_switch.folder import DataFolder
    from atm_switch.switch.event import Event

    Since = Callable[[Any], tuple[Sequence[Event], Any]]

FOLLOW_SECONDS = 0.5
"""How often ``--follow`` looks for new events where there is no broker."""
ROWS_AT_ONCE = 500

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group(
    cls=Group,
    epilog=examples(
        "atm-switch events tail bank --follow",
        "atm-switch events tail bank --follow --acquirer 009 --json",
        "atm-switch events status bank",
    ),
)
def events() -> None:
    """Look at the events: transactions, sessions, refusals, silent terminals, overload.

    Everything in them is masked.  Where they are published is in specs/events/README.md.
    """


@events.command(
    epilog=examples(
        "atm-switch events tail bank            the last 20 events",
        "atm-switch events tail bank --follow   and whatever comes, until Ctrl-C",
    )
)
@data_folder
@click.option(
    "-n", "count", type=click.IntRange(0, 100_000), default=20, show_default=True,
    metavar="N", help="How many events.",
)  # fmt: skip
@click.option("--follow", "-f", is_flag=True, help="Go on with new events until Ctrl-C.")
@click.option(
    "--acquirer", metavar="ID", default="", callback=acquirer_id,
    help="Only those of this bank (DE32).",
)  # fmt: skip
@_json_option
def tail(folder: Path, count: int, follow: bool, acquirer: str, as_json: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Print the last events, oldest first; new ones come from the broker if one is set."""
    from atm_switch.folder import open_folder
    from atm_switch.publishing import broker_of

    opened = open_folder(folder)
    show = EventShow(opened.settings.events.name, acquirer, as_json=as_json)
    seen = _print_last(opened, count, show)
    if not follow:
        return
    broker = broker_of(opened)
    if broker is None:
        _follow_outbox(opened, seen, show)
    else:
        _follow_broker(opened, broker, seen, show)


@events.command(
    epilog=examples("atm-switch events status bank", "atm-switch events status bank --json")
)
@data_folder
@_json_option
def status(folder: Path, as_json: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Show how many events wait, how old the oldest is, and whether the broker is there."""
    from atm_switch.adapters.clock import utc_now
    from atm_switch.folder import open_folder

    opened = open_folder(folder)
    rules, state = opened.settings.events, _state_of(opened)
    oldest = state.oldest_untold if rules.broker else None
    told: dict[str, Any] = {
        "broker": rules.broker or None,
        "state": _broker_state(opened),
        "newest": state.newest,
        "told": state.told,
        "waiting": state.waiting if rules.broker else 0,
        "oldest_waits_seconds": oldest and round((utc_now() - oldest).total_seconds(), 1),
    }
    if as_json:
        print(json.dumps(told))
        return
    waits = told["oldest_waits_seconds"]
    print(f"broker        {told['broker'] or 'none is set'}")
    print(f"state         {told['state']}")
    print(f"newest event  {told['newest']}")
    print(f"told through  {told['told']}")
    print(f"waiting       {told['waiting']}" + ("" if waits is None else f", for {waits:,.0f} s"))


def _state_of(folder: "DataFolder") -> "OutboxState":
    from atm_switch.adapters.outbox_reader import OutboxReader
    from atm_switch.adapters.shared_events import OutboxState, SharedEvents

    place, name = folder.journal_place, folder.settings.events.name
    if place.url:
        with SharedEvents(place.url, name) as events:
            return events.state()
    with OutboxReader(place.path, name) as reader:
        numbers = reader.last_sequence(), reader.mark(), reader.backlog()
        return OutboxState(*numbers, reader.oldest_untold())


def _print_last(folder: "DataFolder", count: int, show: EventShow) -> "Place | int":
    """Show the last events; return from where to follow."""
    from atm_switch.adapters.outbox_reader import OutboxReader
    from atm_switch.adapters.shared_events import SharedEvents
    from atm_switch.switch.event import payload_of

    place, name = folder.journal_place, folder.settings.events.name
    if place.url:
        with SharedEvents(place.url, name) as events:
            end = events.end()
            show(payload_of(event, name) for event in events.tail(count))
            return end
    with OutboxReader(place.path, name) as reader:
        newest = reader.last_sequence()
        show(payload_of(event, name) for event in reader.tail(count))
    return newest


def _follow_outbox(folder: "DataFolder", seen: "Place | int", show: EventShow) -> None:
    show(_since(folder, seen, is_followed=True))


def _since(
    folder: "DataFolder", seen: "Place | int", *, is_followed: bool = False
) -> "Iterator[bytes]":
    """Yield what stands in the outbox behind a place, and, followed, whatever comes."""
    from atm_switch.switch.event import payload_of

    with _reading(folder) as since:
        while True:
            events, through = since(seen)
            yield from (payload_of(event, folder.settings.events.name) for event in events)
            if through == seen:
                if not is_followed:
                    return
                pause(FOLLOW_SECONDS)
            seen = through


@contextmanager
def _reading(folder: "DataFolder") -> "Iterator[Since]":
    """Lend what reads the outbox, on either store, from a place on."""
    from atm_switch.adapters.outbox_reader import OutboxReader
    from atm_switch.adapters.shared_events import SharedEvents

    place, name = folder.journal_place, folder.settings.events.name
    if place.url:
        with SharedEvents(place.url, name) as shared:
            yield lambda seen: shared.since(seen, ROWS_AT_ONCE)
        return
    with OutboxReader(place.path, name) as reader:

        def since(seen: Any) -> "tuple[Sequence[Event], int]":
            stretch = reader.since(seen, ROWS_AT_ONCE)
            return stretch.events, stretch.through

        yield since


def _follow_broker(
    folder: "DataFolder", broker: "Broker", seen: "Place | int", show: EventShow
) -> None:
    from atm_switch.adapters.mqtt_broker import BrokerUnavailable

    try:
        asyncio.run(_subscribe(folder, broker, seen, show))
    except BrokerUnavailable as away:
        print(f"the broker is away ({away}); reading the outbox", file=sys.stderr, flush=True)
        show.leave_out_what_was_told()
        _follow_outbox(folder, max(seen, show.newest) if isinstance(seen, int) else seen, show)


async def _subscribe(
    folder: "DataFolder", broker: "Broker", seen: "Place | int", show: EventShow
) -> None:
    import secrets

    from atm_switch.adapters.mqtt_broker import connected

    rules = folder.settings.events
    client = f"atm-switch-tail-{secrets.token_hex(4)}"
    async with connected(broker, client, rules.in_flight_max) as link:
        # What was told before the subscription stood is in the outbox, and nowhere else.
        await link.subscribe(f"{rules.topic_prefix}/#")
        show(_since(folder, seen))
        ways = [asyncio.create_task(one) for one in (_show_all(link, show), _until_unread())]
        try:
            ended, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in ways:
                one.cancel()
        await asyncio.gather(*ended)


async def _show_all(link: "BrokerLink", show: EventShow) -> None:
    async for payload in link.messages():
        show([payload])


async def _until_unread() -> None:
    """Raise ``BrokenPipeError`` once nobody reads what is printed."""
    while not is_reader_gone():
        await asyncio.sleep(FOLLOW_SECONDS)
    raise BrokenPipeError


def _broker_state(folder: "DataFolder") -> str:
    from atm_switch.adapters.mqtt_publisher import NOT_ASKED
    from atm_switch.server.admin_socket import FILE_NAME, ask_switch

    if not folder.settings.events.broker:
        return "off; set [events] broker"
    try:
        told = ask_switch(folder.root / FILE_NAME, "events")
    except OSError:
        return "unknown: no switch serves this folder"
    except ValueError:
        return "unknown: what answers at admin.sock is no switch"
    away = str(told.get("away", "not told"))
    is_asked = not away.startswith(NOT_ASKED)
    return "connected" if told.get("connected") else f"away: {away}" if is_asked else away
