"""Play a recording again: its requests, made anew, on as many links, and the codes compared.

Plan: each request is made by a terminal of today with the card that stands for the recorded
one, so STAN, DE7, reference, PIN block and MAC are right; what is compared is DE39, and then
the elements (``compare.py``).  Requests of a link follow each other as recorded, at the
recorded pace or faster.
Limits: what a terminal asked is played, not what the host asked by itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from atm_switch.domain.errors import FormatError, Refused
from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from atm_switch.messages.mti import is_response
from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.address import Address
from terminal_emulator.flow import Line, Manner, line_to
from terminal_emulator.kit import Kit, find_profile
from terminal_emulator.load.callers import Card
from terminal_emulator.recording.compare import differences
from terminal_emulator.terminal import Verb

_Asked = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A recorded request, and its answer with the numbers the request had as ``asked``."""
_VERBS = {"001": Verb.SIGN_ON, "002": Verb.SIGN_OFF, "301": Verb.ECHO}


@dataclass(frozen=True, slots=True)
class Played:
    """One request played again; ``got`` is empty where it could not be."""

    at: float
    link: int
    what: str
    recorded: str
    got: str
    why: str = ""
    differs: tuple[str, ...] = ()
    """Elements that are not as recorded, where the codes are the same."""

    @property
    def is_same(self) -> bool:
        """Whether the host said the same."""
        return self.recorded == self.got and not self.differs


@dataclass(slots=True)
class _Passed:
    """The last question and the last answer of a link."""

    profile: Profile
    packager: Packager = field(repr=False)
    asked: IsoMessage | None = field(default=None, repr=False)
    got: IsoMessage | None = field(default=None, repr=False)

    def watch(self, is_sent: bool, payload: bytes) -> None:  # noqa: FBT001 - as Watch has it
        try:
            message = self.packager.unpack(payload)
        except FormatError:
            return
        if is_sent and not is_response(message.mti):
            self.asked = message
        elif is_response(message.mti):
            self.got = message

    def differences(self, recorded: Mapping[str, Any]) -> tuple[str, ...]:
        if self.asked is None or self.got is None or "elements" not in recorded:
            return ()
        return tuple(differences(recorded, self.got, self.asked, self.profile))


async def replay(
    told: Sequence[Mapping[str, Any]], address: Address, kit: Kit, cards: Sequence[Card],
    speed: float, manner: Manner,
) -> list[Played]:  # fmt: skip
    """Play all requests; ``speed`` 0 is as fast as answers come.  Raises ``Refused``."""
    links = sorted({one["link"] for one in told})
    asked = {link: _requests(told, link) for link in links}
    began = asyncio.get_running_loop().time()
    played = await asyncio.gather(
        *(_link(link, asked[link], address, kit, cards, (speed, began), manner) for link in links)
    )
    return sorted((one for each in played for one in each), key=lambda one: one.at)


def _requests(told: Sequence[Mapping[str, Any]], link: int) -> list[_Asked]:
    """Pair each request of a link's terminal with the answer it got; empty for none."""
    answers = {
        _name(one): one
        for one in told
        if one["link"] == link and one["way"] == "answer" and one.get("from_host")
    }
    return [
        (one, {**answers.get(_name(one), {}), "asked": [*map(int, one["elements"])]})
        for one in told
        if one["link"] == link and one["way"] == "request" and not one.get("from_host")
    ]


def _name(one: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Return what a question and its answer have alike."""
    return one["elements"].get("11"), one["elements"].get("7")


async def _link(
    link: int, asked: Sequence[_Asked], address: Address, kit: Kit, cards: Sequence[Card],
    pace: tuple[float, float], manner: Manner,
) -> list[Played]:  # fmt: skip
    played: list[Played] = []
    speed, began = pace
    profile = find_profile(kit.profile)
    passed = _Passed(profile, Packager(profile))
    async with line_to(address, kit, replace(manner, watch=passed.watch)) as line:
        for one, answer in asked:
            if speed:
                due = began + one["at"] / speed
                await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
            what = f"{one['mti']} {one['elements'].get('70', '')}".strip()
            recorded = answer.get("elements", {}).get("39", "")
            try:
                got, why = await _ask(line, one, cards), ""
            except (Refused, ValueError) as error:
                got, why = "", str(error)
            differs = passed.differences(answer) if got and got == recorded else ()
            played.append(Played(one["at"], link, what, recorded, got, why, differs))
    return played


async def _ask(line: Line, one: Mapping[str, Any], cards: Sequence[Card]) -> str:
    if one["mti"] == "0800":
        verb = _VERBS.get(one["elements"].get("70", ""))
        if verb is None:
            raise Refused("this network message is not played again")
        return (await line.network(verb)).code
    if one["mti"] not in ("0200", "0201") or "card" not in one:
        raise Refused("only inquiries and network messages are played again")
    if one["card"] > len(cards):
        raise Refused(f"there is no card for the recording's card {one['card']}; see --cards")
    card, asks = cards[one["card"] - 1], one.get("asks", {})
    if asks.get("kpj"):
        raise Refused("an inquiry by KPJ is not played again: the KPJ is not in a recording")
    data = InquiryData(
        Lookup.CARD, asks.get("language", "ID"), int(asks.get("index", 0)),
        int(asks.get("width", 40)),
    )  # fmt: skip
    pin = Pin(card.pin.encode()) if one.get("pin") and card.pin else None
    return (await line.inquire(card.pan, pin, data)).code
