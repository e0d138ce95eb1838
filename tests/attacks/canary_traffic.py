"""Everything that can be said to a switch, with a canary in every place that takes one.

Approvals, every decline, repeats, reversals, wrong and missing MACs, garbage and cuts, keys
asked for, delivered, taken and refused.  Who wants to know what leaks runs this against a
real switch and looks through what the switch wrote and said.
"""

import csv
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from atm_switch.domain.card import luhn_digit
from atm_switch.folder import open_folder
from atm_switch.ledger.sample_members import SampleCard, sample_cards
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, wrap
from atm_switch.security.vault import Vault, fresh_tdes_key
from atm_switch.wire.message import IsoMessage
from tests.doubles.canaries import Canary
from tests.doubles.talk import Talk, inquiry, stamp

CARDS: tuple[SampleCard, ...] = sample_cards(datetime.now(UTC).date())
PAN = CARDS[0].pan.digits
LONG_PIN = "123402718281"
"""Right for the first sample card, whose value proves four digits; long enough to be found."""
WRONG_PIN = "987602718281"
UNKNOWN_PAN = "999009555555555"
UNKNOWN_PAN += luhn_digit(UNKNOWN_PAN)
BAD_PAN = "9990090000000013"
TRACK_2 = f"{PAN}=30121019876543210123"
OTHER_TRACK_2 = f"{UNKNOWN_PAN}=30121015550123456789"
TRACK_1 = f"B{PAN}^SANTOSO/BUDI^30121019876543210123000000"
CHIP = "9F2608A1B2C3D4E5F607189F10120110A0000F040000"
LAST_STAN = "777777"
TRACK = 35
NIK = "9901011203859753"
"""In DE48 of an inquiry; the members' own are read from the sample."""


def fixed_canaries() -> Iterator[Canary]:
    """Name what this module sends as it is written here."""
    yield from (
        Canary(f"PAN of sample card {at}", card.pan.digits) for at, card in enumerate(CARDS)
    )
    for name, text in (
        ("unknown PAN", UNKNOWN_PAN), ("bad PAN", BAD_PAN), ("track 2", TRACK_2[17:]),
        ("other track 2", OTHER_TRACK_2[17:]), ("track 1", TRACK_1[19:]), ("DE55", CHIP),
        ("NIK in DE48", NIK), ("right PIN", LONG_PIN), ("wrong PIN", WRONG_PIN),
    ):  # fmt: skip
        yield Canary(name, text)


def vault_canaries(vault: Vault) -> Iterator[Canary]:
    """Name every key of a vault: the house's, the lines', and those on their way."""
    for name in ("pan_key", "person_key", "fingerprint_key", "sealing_key"):
        yield Canary(name, getattr(vault, name).reveal().hex())
    for owner, ladder in vault.keys.items():
        for key in (ladder.in_use, ladder.other):
            if key is not None:
                yield Canary(f"{owner} {key.check}", key.token.reveal().hex())


def folder_canaries(folder: Path) -> Iterator[Canary]:
    """Name what a folder holds and must not show: keys, the master, the members' NIKs."""
    opened = open_folder(folder)
    yield from vault_canaries(opened.vault())
    yield Canary("master", re.sub(r"\s", "", opened.master_file.read_text()))
    with (folder / "sample" / "participants.csv").open() as file:
        yield from (Canary("NIK of a member", row["nik"]) for row in csv.DictReader(file))


class Conversation:
    """One link's part of it; ``canaries`` grows by what is made on the way."""

    def __init__(self, talk: Talk, first_stan: int) -> None:
        """Begin counting at ``first_stan``."""
        self.talk = talk
        self.canaries: list[Canary] = []
        self._stan = first_stan

    def block(self, pin: str, pan: str = PAN) -> str:
        """Make a PIN block, a canary too."""
        block = self.talk.pin_block(pin, pan)
        self.canaries.append(Canary("PIN block", block))
        return block

    def make(self, elements: dict[int, str]) -> IsoMessage:
        """Make an inquiry that no other is like, its track as the dialect can carry it."""
        self._stan += 1
        message = inquiry(self._stan, elements)
        try:
            self.talk.packager.pack(message)
        except ValueError:  # packed digits have no =
            track = {n: v.replace("=", "D") for n, v in elements.items() if n == TRACK}
            message = inquiry(self._stan, {**elements, **track})
        return message

    def say_all(self) -> set[str]:
        """Say everything that is answered by a message; return the DE39 there were."""
        spoken = [*self.approvals(), *self.declines(), *self.guesses()]
        codes = {self.talk.ask(message)[39] for message in spoken}
        for message in spoken:
            codes.add(self.talk.ask(IsoMessage("0201", message.elements))[39])
        codes |= {self.talk.ask(message)[39] for message in self.others()}
        return codes | self.unauthentic() | self.broken()

    def approvals(self) -> Iterator[IsoMessage]:
        """Ask rightly, with all the optional elements that hold secrets."""
        yield self.make({2: PAN, 52: self.block(LONG_PIN), 35: TRACK_2, 55: CHIP})
        yield self.make({2: PAN, 52: self.block(CARDS[0].pin), 14: TRACK_2[17:21]})

    def declines(self) -> Iterator[IsoMessage]:
        """Ask so that each door says no once."""
        for card in CARDS[1:]:
            yield self.make({2: card.pan.digits, 52: self.block(card.pin, card.pan.digits)})
        right = self.block(LONG_PIN)
        unknown = self.block(LONG_PIN, UNKNOWN_PAN)
        changes: tuple[dict[int, str], ...] = (
            {2: UNKNOWN_PAN, 52: unknown, 35: OTHER_TRACK_2},
            {2: BAD_PAN}, {35: OTHER_TRACK_2}, {45: TRACK_1}, {60: TRACK_2}, {102: PAN},
            {48: f"JHTBAL{'0' * 11}2{NIK}ID0040"}, {48: f"JHTBAL{PAN}{TRACK_2[:18]}"},
            {48: f"JHTBAL123456789011{NIK}ID0040"}, {42: PAN[1:16]}, {43: TRACK_1[:40]},
            {18: "9999"}, {32: "008"}, {4: "0" * 9 + "001"}, {3: "010000"}, {49: "840"},
            {7: stamp(-1)}, {37: PAN[-12:]}, {22: PAN[:3]}, {41: PAN[-8:]},
        )  # fmt: skip
        for change in changes:
            message = self.make({2: PAN, 52: right, **change})
            known = self.talk.profile.elements.keys()
            yield IsoMessage("0200", {n: v for n, v in message.elements.items() if n in known})
        yield self.make({2: PAN})

    def guesses(self) -> Iterator[IsoMessage]:
        """Use up the tries of another card."""
        pan = CARDS[3].pan.digits
        yield from (self.make({2: pan, 52: self.block(WRONG_PIN, pan)}) for _ in range(5))

    def others(self) -> Iterator[IsoMessage]:
        """Ask for what is no inquiry: reversals, strange network messages."""
        asked = self.make({2: PAN, 35: TRACK_2, 52: self.block(LONG_PIN)})
        yield IsoMessage("0420", {n: v for n, v in asked.elements.items() if n != 22})
        yield IsoMessage("0400", {n: asked[n] for n in (2, 3, 7, 11, 32, 37, 41, 52)})
        yield self.talk.network("301", {48: TRACK_2})
        yield self.talk.network("999", {48: PAN})
        yield self.talk.network("161", {48: TRACK_2})

    def unauthentic(self) -> set[str]:
        """Ask without a MAC and with a wrong one; return the DE39."""
        packager, codes = self.talk.packager, set()
        for _ in range(2):
            message = self.make({2: PAN, 52: self.block(LONG_PIN), 35: TRACK_2})
            good = self.talk.keys.pack(message, packager)
            for payload in (packager.pack(message), good[:-1] + b"Z", good[:-16] + b"0" * 16):
                self.talk.say(payload)
                codes.add(packager.unpack(self.talk.hear())[39])
        return codes

    def broken(self) -> set[str]:
        """Send cuts of a whole message, and canaries that are no message; return the DE39."""
        packager, codes = self.talk.packager, set()
        message = self.make({2: PAN, 52: self.block(LONG_PIN), 35: TRACK_2, 55: CHIP})
        whole = self.talk.keys.pack(message, packager)
        for at in range(4, len(whole), 7):
            self.talk.say(whole[:at])
            codes.add(packager.unpack(self.talk.hear())[39])
        for garbage in (PAN, TRACK_2, f"0200{TRACK_2}", "0200" + "F" * 16 + PAN * 9, LONG_PIN):
            self.talk.say(garbage.encode())
        self.talk.say(self.talk.keys.pack(self.talk.network("301", {11: LAST_STAN}), packager))
        while packager.unpack(self.talk.hear()).get(11) != LAST_STAN:
            pass  # answers to garbage, as many as there are
        return codes

    def exchange_keys(self) -> list[str]:
        """Have keys delivered, refuse one, deliver some ourselves; return what came of it."""
        talk = self.talk
        came = [talk.ask(talk.network("161", {11: "000161"}))[39]]
        came += [talk.take_delivery() for _ in range(2)]
        came.append(talk.ask(talk.network("161", {11: "000162", 48: "MAC"}))[39])
        talk.answer_delivery(talk.hear(), "96")
        for spoil in (False, True):
            came.append(talk.ask(talk.network("162", {11: "000163", 48: self.delivery(spoil)}))[39])
        return came

    def delivery(self, spoil: bool) -> str:  # noqa: FBT001  a row of the table
        """Write a PIN key as DE48 carries it, or one whose check value is another's."""
        exchange = self.talk.keys.exchange
        assert exchange is not None
        key = fresh_tdes_key(os.urandom)
        self.canaries.append(Canary("delivered key", key.reveal().hex()))
        text = wrap(exchange, KeyBlock("P0", "T", "B", "00", "E", key), os.urandom)
        if not spoil:
            self.talk.keys.pin = key
        return ("000000" if spoil else key_check_value(key, "T")) + text
