"""Claims about the live exchange: what the line lets be watched, and what is shown of it."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.address import Address
from terminal_emulator.atm_screen.exchange import Exchange
from terminal_emulator.flow import Manner
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.standing_line import StandingLine
from tests.unit.terminal_emulator.host import PAN, PROFILE, TinyHost, approving

AT = datetime(2025, 6, 30, 14, 25, 7, 123_000, tzinfo=UTC)
KPJ, BLOCK, TRACK = "12345678901", "08D7B4FB629D0885", "9990090000000012D30121010000012345678"
INQUIRY = IsoMessage(
    "0200",
    {
        2: PAN, 3: "310000", 4: "0" * 12, 7: "0630072507", 11: "000123", 12: "142507",
        13: "0630", 18: "6011", 22: "051", 32: "009", 35: TRACK, 37: "518107000123",
        41: "S1ABC123", 42: "BNI000000000001", 43: "ATM KC HARMONI".ljust(40),
        48: f"JHTBAL{KPJ}1{'0' * 16}ID0040", 49: "360", 52: BLOCK,
    },
)  # fmt: skip


def shown(payload: bytes, *, is_sent: bool = True) -> str:
    """Show a payload."""
    lines = Exchange(PROFILE).lines_of(payload, is_sent=is_sent, at=AT)
    return "\n".join(line.plain for line in lines)


def test_every_element_is_named_and_masked() -> None:
    """Each element has its line; PAN, track 2, PIN block and KPJ are in none of them."""
    payload = Packager(PROFILE).pack(INQUIRY)

    text = shown(payload)

    assert text.startswith(f"▶ out 14:25:07.123  0200  {len(payload)} bytes")
    assert all(f"\n{number:03d} " in text for number in INQUIRY.elements)
    assert not any(canary in text for canary in (PAN, KPJ, BLOCK, TRACK, TRACK[:16]))


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_shown(payload: bytes) -> None:
    """What does not decode is one line that counts it and says why."""
    assert f"{len(payload)} bytes" in shown(payload, is_sent=False)


async def test_watcher_sees_both_directions_in_order() -> None:
    """Sign-on, inquiry and sign-off pass the watcher, question and answer, as sent."""
    seen: list[tuple[bool, str]] = []

    def watch(is_sent: bool, payload: bytes) -> None:  # noqa: FBT001  see Watch
        seen.append((is_sent, payload[:4].decode()))

    with TinyHost(approving) as host:
        line = StandingLine(Address.read(host.address), BARE_KIT, Manner(30.0, watch=watch))
        await (await line.ready()).inquire(PAN)
        await line.close()

    assert [
        (True, "0800"), (False, "0810"), (True, "0200"), (False, "0210"),
        (True, "0800"), (False, "0810"),
    ] == seen  # fmt: skip


async def test_standing_line_is_called_once() -> None:
    """A line that is up is used again; one that was lost is called and signed on anew."""
    with TinyHost(approving) as host:
        line = StandingLine(Address.read(host.address), BARE_KIT, Manner(30.0))
        first = await line.ready()
        again = await line.ready()
        await first.link.close()
        fresh = await line.ready()
        await line.close()

    assert (True, False) == (first is again, first is fresh)
    assert ["001", "001", "002"] == host.network_codes
