"""No card number, PIN, PIN block or track in anything that is logged, kept or printed."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from atm_switch.domain.errors import JournalUnavailable, LedgerUnavailable
from atm_switch.domain.secret import Secret
from atm_switch.switch.hsm_port import VerifyPin
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import Commit, FindAccount
from tests.doubles.bench import PAN, PIN, Bench, bank
from tests.doubles.inquiries import de48, network, repeat_of

TRACK_2 = f"{PAN}=30122211234567890"
TRACK_1 = f"B{PAN}^SANTOSO/BUDI^30122211234567890"
ICC = "9F26081122334455667788"
NIK = "3523418097870002"


def canaries(bench: Bench) -> tuple[str, ...]:
    """List what must not be found, as text."""
    key = bench.pin_key.reveal().hex()
    return (PAN, TRACK_2[17:], ICC, NIK, bench.pin_block(), bench.pin_block().lower(), key)


def contents(thing: Any) -> Iterator[str]:
    """Take a value apart: its repr, and every text and byte inside that a repr may hide.

    Left out are what lives only in memory and has its own guard: secrets and card values.
    """
    yield repr(thing)
    if isinstance(thing, Secret):
        return
    if isinstance(thing, bytes):
        yield thing.decode("latin-1")
    elif isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict | list | tuple):
        for part in thing.items() if isinstance(thing, dict) else thing:
            yield from contents(part)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from contents(getattr(thing, field.name))


def leaks(bench: Bench, things: list[Any]) -> list[str]:
    """Name each canary found in ``things``."""
    texts = [text for thing in things for text in contents(thing)]
    return [canary for canary in canaries(bench) if any(canary in text for text in texts)]


def conversation(bench: Bench) -> None:
    """Say everything to the switch that holds a secret, rightly and wrongly."""
    full: dict[int, str | None] = {14: "3012", 35: TRACK_2, 55: ICC}
    bench.ask(bench.inquiry(full))
    bench.sign_on()
    right = bench.inquiry(full)
    for message in (right, repeat_of(right), right.with_element(22, "021")):
        bench.ask(message)
    changes: tuple[dict[int, str | None], ...] = (
        {52: "0123456789ABCDEF"}, {52: None}, {45: TRACK_1}, {53: PAN}, {60: PAN}, {102: PAN},
        {48: de48().replace("0" * 16, NIK)}, {48: de48(lookup=2).replace("0" * 16, NIK)},
        {35: TRACK_2.replace("=", "D")}, {35: f"{PAN}="}, {2: PAN + "1"}, {2: "12"}, {32: "008"},
        {3: "010000"}, {4: "000000000001"}, {7: "0101000000"}, {18: "9999"}, {70: "301"},
    )  # fmt: skip
    for at, change in enumerate(changes):
        bench.ask(bench.inquiry({11: f"001{at:03d}", **full, **change}))
    bench.ask(network("301", {2: PAN, 48: PAN, 52: bench.pin_block()}))


def broken_frames(bench: Bench) -> None:
    """Send the inquiry cut at every byte, and with a byte spoilt at every place."""
    whole = bench.dialect.packager.pack(bench.inquiry({35: TRACK_2, 55: ICC}))
    for at in range(len(whole)):
        bench.feed(whole[:at])
        bench.feed(whole[:at] + b"\xff" + whole[at + 1 :])


def faults(bench: Bench) -> None:
    """Have neighbours fail with texts that quote what they failed on."""
    for kind in (FindAccount, VerifyPin, Commit):
        for fault in (ValueError(PAN), KeyError(TRACK_2), LedgerUnavailable("away")):
            bench.memory.faults = {kind: fault}
            bench.ask(bench.inquiry({11: f"002{len(bench.sent):03d}"}))
    bench.memory.faults = {Commit: JournalUnavailable("away")}
    bench.ask(bench.inquiry({11: "003000"}))
    bench.memory.faults = {}


def test_search_finds_what_lies_open() -> None:
    """
    The search itself works: in what is sent, where DE2 must stand, it finds the card number.
    """
    bench = Bench()
    bench.sign_on()
    bench.ask(bench.inquiry())

    assert [PAN] == leaks(bench, list(bench.sent))


@pytest.mark.parametrize("policy", list(PinPolicy))
def test_log_and_rows_hold_no_canary(policy: PinPolicy) -> None:
    """
    After everything right and wrong was said, no note, no row and no stored response holds
    a card number, a track, chip data, a NIK, a PIN block or a key.
    """
    bench = Bench(banks=(bank(pin=policy),), bad_frames_per_minute=0)

    conversation(bench)
    broken_frames(bench)
    faults(bench)

    assert [] == leaks(bench, [*bench.notes, *bench.closed])
    assert [] == leaks(bench, bench.memory.rows)
    assert [] == leaks(bench, list(bench.memory.stored.items()))


def test_effects_print_no_canary() -> None:
    """
    Printing what the core wants done shows nothing, though a Send carries DE2 and a
    question carries card and PIN block.
    """
    bench = Bench(bad_frames_per_minute=0)

    conversation(bench)

    printed = repr([bench.sent, bench.memory.asked, bench.house, bench.switch, bench.dialect])
    assert [] == [canary for canary in canaries(bench) if canary in printed]
    assert PIN not in printed
    assert "pvv=" not in printed


def test_requests_under_way_print_no_canary() -> None:
    """
    A request that waits, with all it has gathered, prints nothing either.
    """
    bench = Bench()
    bench.sign_on()
    bench.holds = (VerifyPin,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry({35: TRACK_2, 55: ICC})))

    printed = repr([bench.switch._open, bench.switch._sessions, bench.held])

    assert "Case" in printed
    assert [] == [canary for canary in canaries(bench) if canary in printed]


def test_responses_hold_no_authentication_data() -> None:
    """
    Nothing sent in the whole conversation holds a track, chip data, NIK or PIN block; the
    card number comes back in DE2 alone.
    """
    bench = Bench(bad_frames_per_minute=0)

    conversation(bench)
    broken_frames(bench)

    for send in bench.sent:
        message = bench.dialect.packager.unpack(send.payload)
        assert not {14, 23, 26, 35, 45, 52, 53, 55, 60, 102} & message.elements.keys()
        rest = message.without(2)
        assert [] == [c for c in canaries(bench) if any(c in v for v in rest.elements.values())]
