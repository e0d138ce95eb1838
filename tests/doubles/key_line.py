"""Keys delivered over the bench's line, by the peer and by the switch."""

from atm_switch.domain.secret import Key
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, unwrap, wrap
from atm_switch.security.key_ring import TDES, KeyName, KeyUsage
from atm_switch.security.tdes import with_odd_parity
from atm_switch.switch.ports import KeepKeys
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench
from tests.doubles.memory import CountedEntropy
from tests.doubles.signed_line import signed_payload

NEW = with_odd_parity(Key(bytes(range(16, 32))))
NEWER = with_odd_parity(Key(bytes(range(48, 64))))
PIN_NAME, MAC_NAME = KeyName(KeyUsage.PIN, BNI), KeyName(KeyUsage.MAC, BNI)
EXCHANGE_NAME = KeyName(KeyUsage.EXCHANGE, BNI)
OVERLAP = 300


def block_of(bench: Bench, key: Key, usage: str = "M3", mode: str = "C") -> str:
    """Wrap a key under the line's exchange key."""
    block = KeyBlock(usage, "T", mode, "00", "E", key)
    return wrap(bench.exchange_key, block, CountedEntropy(), kbpk_algorithm=TDES)


def delivery(bench: Bench, key: Key = NEW, usage: str = "M3", check: str = "") -> IsoMessage:
    """A 162 that carries a key with its check value."""
    mode = "B" if usage == "P0" else "C"
    text = (check or key_check_value(key, TDES)) + block_of(bench, key, usage, mode)
    stan = f"{len(bench.sent) + 500:06d}"
    return IsoMessage("0800", {7: "0630072507", 11: stan, 48: text, 70: "162"})


def inquiry(bench: Bench, stan: int, block: str | None = None) -> IsoMessage:
    """An inquiry of its own STAN."""
    changes: dict[int, str | None] = {11: f"{stan:06d}"}
    return bench.inquiry(changes | ({52: block} if block else {}))


def kinds(bench: Bench) -> list[str]:
    """What was made durable, in order."""
    return [type(one).__name__ for one in bench.memory.asked if isinstance(one, KeepKeys)]


def ask_for_keys(bench: Bench, wish: str = "") -> list[IsoMessage]:
    """Send a 161; return the answer and the deliveries that follow."""
    stan = f"{len(bench.sent) + 400:06d}"
    elements = {7: "0630072507", 11: stan, 70: "161", **({48: wish} if wish else {})}
    return bench.feed(signed_payload(bench, IsoMessage("0800", elements)))


def answer_to(delivered: IsoMessage, code: str = "00") -> IsoMessage:
    """The peer's 0810 to a delivery of ours."""
    return IsoMessage("0810", {7: delivered[7], 11: delivered[11], 39: code, 70: delivered[70]})


def key_in(bench: Bench, delivered: IsoMessage) -> Key:
    """Open the key block of a delivery, as the peer does."""
    return unwrap(bench.exchange_key, delivered[48][6:], kbpk_algorithm=TDES).key
