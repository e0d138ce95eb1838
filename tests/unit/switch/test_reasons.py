"""Each door says why it says no: in the row and in the log, so that support need not guess."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Any

import pytest

from atm_switch.domain.card import Expiry
from atm_switch.domain.identifiers import AcquirerId, Channel, TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.domain.member import CardStatus
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.statement import AccountHistory
from atm_switch.security.vault import Vault
from atm_switch.switch.policy import TerminalPolicy
from atm_switch.switch.ports import AuditRecord, Commit, Reserve, UnderWay
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, BUDI, PAN, PIN, Bench, bank
from tests.doubles.inquiries import commits, de48, network, signed_on
from tests.doubles.key_line import delivery
from tests.doubles.signed_line import ask_signed, signing_bench

Changes = dict[int, str | None]


def card(**changes: Any) -> Callable[[Bench], None]:
    """Change Budi's card in the registry."""

    def stage(bench: Bench) -> None:
        bench.link_card(PAN, BUDI, PIN, **changes)

    return stage


def booked(*amounts: int) -> Callable[[Bench], None]:
    """Have an account with these postings."""

    def history(as_of: date) -> AccountHistory:
        postings = tuple(
            Posting(date(as_of.year, 1, 1), PostingKind.CONTRIBUTION, Money(amount))
            for amount in amounts
        )
        return AccountHistory(
            as_of.year, ZERO, postings, has_postings=bool(postings), last_contribution=None
        )

    def stage(bench: Bench) -> None:
        bench.memory.histories[BUDI] = history

    return stage


def asked(changes: Changes) -> Callable[[Bench], None]:
    """Have the inquiry, changed so, asked before."""

    def stage(bench: Bench) -> None:
        bench.ask(bench.inquiry(changes))

    return stage


def without_cards(bench: Bench) -> None:
    """Empty the registry."""
    bench.memory.cards.clear()


def without_account(bench: Bench) -> None:
    """Have the ledger know nobody."""
    bench.memory.persons.clear()


def without_tries(bench: Bench) -> None:
    """Use up the tries of Budi's card."""
    bench.memory.tries.update(dict.fromkeys(bench.memory.cards, 3))


def without_keys(bench: Bench) -> None:
    """Have no key of the line."""
    vault = bench.house.vault
    parts = vault.pan_key, vault.person_key, vault.fingerprint_key, vault.sealing_key
    bench.house.vault = Vault(*parts, {})


def under_way_elsewhere(bench: Bench) -> None:
    """Have another process at work on another request of this key."""
    bench.memory.faults[Reserve] = UnderWay(bytes(32))


@dataclass(frozen=True)
class Scene:
    """How to be refused, and why that is."""

    why: str
    code: str
    changes: Changes = field(default_factory=dict)
    stage: Callable[[Bench], None] = lambda _bench: None
    how: dict[str, Any] = field(default_factory=dict)


LISTED = {TerminalId("S1ABC123"): TerminalPolicy(zone=Zone.WIB, certificate_name="atm-1")}
OF_PROFILE = frozenset({Channel("6011"), Channel("6099")})
SCENES = (
    Scene("DE032 is not who signed on", "31", {32: "008"}),
    Scene(
        "DE041 a terminal id has eight printable characters, the first not a space", "30",
        {41: " 1ABC123"},
    ),
    Scene(
        "DE041 is not a listed terminal", "58", how={"banks": (bank(admits_any_terminal=False),)}
    ),
    Scene("the certificate is not this terminal's", "58", how={"banks": (bank(terminals=LISTED),)}),
    Scene("DE018 is not a channel of this bank", "40", {18: "6014"}),
    Scene("DE018 is not a channel of this bank", "40", {18: "6099"},
          how={"banks": (bank(channels=OF_PROFILE),)}),
    Scene("DE052 is mandatory and missing", "30", {52: None}),
    Scene("DE003 is no inquiry of the profile", "12", {3: "010000"}),
    Scene("same key, other content", "94", {22: "021"}, asked({})),
    Scene(
        "same key, other content, first still running", "94", stage=under_way_elsewhere
    ),
    Scene("DE007 is too far from now", "68", {7: "0630071006"}),
    Scene("end of day of this bank", "90",
          how={"banks": (bank(end_of_day=(time(14), time(15))),)}),
    Scene("the terminal asks too often", "65", stage=asked({11: "000122"}),
          how={"inquiries_per_terminal_per_minute": 1}),
    Scene("the card asks too often", "65", stage=asked({11: "000122"}),
          how={"inquiries_per_card_per_hour": 1}),
    Scene("the card is not in the registry", "56", stage=without_cards),
    Scene("consent was withdrawn", "57", stage=card(consent_on=None)),
    Scene("the card is blocked", "62", stage=card(status=CardStatus.BLOCKED)),
    Scene("the card is past its expiry", "54", stage=card(expiry=Expiry("2505"))),
    Scene("the card is past its expiry", "54", {14: "2505"}),
    Scene("the card has no PIN verification value", "57", stage=card(pvv="", pvki="")),
    Scene("there is no PIN key for the terminal", "91", stage=without_keys),
    Scene("there is no key of the card's PVKI", "91", stage=card(pvki="9")),
    Scene("PIN try 1 is wrong", "55", {52: "0123456789ABCDEF"}),
    Scene("all PIN tries are used", "75", stage=without_tries),
    Scene("no such KPJ of the card's owner", "56", {48: de48(index=9)}),
    Scene("the ledger does not know the KPJ", "56", stage=without_account),
    Scene("nothing is booked on the account yet", "88", stage=booked()),
    Scene("an amount is below zero or has no place", "88", stage=booked(-1_000_000)),
    Scene("too many requests under way", "91", how={"in_flight_max": 0}),
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.why[:40])
def test_row_and_log_say_why_an_inquiry_is_refused(scene: Scene) -> None:
    """The same sentence in both, and nothing of it on the line."""
    bench = signed_on(**scene.how)
    scene.stage(bench)

    response = bench.ask(bench.inquiry(scene.changes))

    assert scene.code == response[39]
    assert scene.why == commits(bench)[-1].ending.reason == bench.notes[-1].fields["reason"]
    assert scene.why not in "".join(response.elements.values())


def test_link_that_has_not_signed_on_is_refused_as_that() -> None:
    """An inquiry, and a reversal as well."""
    bench = Bench()
    undone = IsoMessage("0400", bench.inquiry().only([3, 4, 7, 11, 32, 37, 41, 49]))

    codes = [bench.ask(message)[39] for message in (bench.inquiry(), undone)]

    assert ["58", "58"] == codes
    assert ["the link has not signed on"] * 2 == [n.fields["reason"] for n in bench.notes[-2:]]


def test_reversal_is_acknowledged_or_refused_by_name() -> None:
    """There is nothing to undo; another bank's is not this link's to undo."""
    bench = signed_on()
    undone = IsoMessage("0400", bench.inquiry().only([3, 4, 7, 11, 32, 37, 41, 49]))

    codes = [bench.ask(one)[39] for one in (undone, undone.with_element(32, "002"))]

    assert ["00", "31"] == codes
    assert ["nothing to undo", "DE032 is not who signed on"] == [
        note.fields["reason"] for note in bench.notes[-2:]
    ]


def test_request_whose_row_still_waits_is_refused_as_that() -> None:
    """96 to a repeat, without a row, until the journal has answered to the first."""
    bench = signed_on()
    bench.holds = (Commit,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    bench.pass_time(9.5)
    bench.holds = ()

    answer = bench.ask(bench.inquiry({7: "0630072507"}))

    assert "96" == answer[39]
    why = "a row of this request still waits for the journal"
    assert why == bench.notes[-1].fields["reason"]


def test_journal_that_stands_still_is_named() -> None:
    """What comes while a row waits for long is told at once, before anybody is asked."""
    bench = signed_on()
    bench.holds = (Reserve,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    bench.pass_time(4.1)

    answer = bench.ask(bench.inquiry({11: "000124"}))

    assert "96" == answer[39]
    why = "the journal stands still, and is not asked meanwhile"
    assert why == bench.notes[-1].fields["reason"]


OTHER = AcquirerId("002")
TWO_BANKS: dict[str, Any] = {"banks": (bank(), replace(bank(), acquirer=OTHER))}
COMMANDS: tuple[tuple[str, str, str, IsoMessage, dict[str, Any]], ...] = (
    ("DE032 is not an acquirer known here", "31", "sign-on", network("001", {32: "014"}), {}),
    ("DE032 is needed to tell the acquirers apart", "30", "sign-on", network("001"), TWO_BANKS),
    ("the certificate is not one of this bank's", "31", "sign-on", network("001"),
     {"banks": (bank(certificate_names=frozenset({"host"})),)}),
    ("cut-over before sign-on", "58", "cut-over", network("201"), {}),
    ("a key before sign-on", "58", "key request", network("161"), {}),
    ("a key before sign-on", "58", "key delivery", network("162", {48: "PIN"}), {}),
    ("DE070 is not a code of the profile", "12", "unknown", network("999"), {}),
)  # fmt: skip
SIGNED_ON = (
    ("the link is signed on for another acquirer", "31", "sign-on", {70: "001", 32: "002"}),
    ("DE015 is too far from today", "30", "cut-over", {70: "201", 15: "0708"}),
    ("DE015 is no day", "30", "cut-over", {70: "201", 15: "0230"}),
    ("DE041 is not listed and has no keys of its own", "58", "key request",
     {70: "161", 41: "MADEUP01"}),
    ("no such key is used here", "30", "key request", {70: "161", 48: "XYZ"}),
)  # fmt: skip


@pytest.mark.parametrize(("why", "code", "what", "command", "how"), COMMANDS)
def test_log_says_what_was_refused_before_sign_on(
    why: str, code: str, what: str, command: IsoMessage, how: dict[str, Any]
) -> None:
    """Of each command by its name."""
    bench = Bench(**how)

    assert code == bench.ask(command)[39]
    assert (what, why) == (bench.notes[-1].event, bench.notes[-1].fields["reason"])


@pytest.mark.parametrize(("why", "code", "what", "elements"), SIGNED_ON)
def test_log_says_what_was_refused_to_a_bank(
    why: str, code: str, what: str, elements: Changes
) -> None:
    """And what was asked for."""
    bench = Bench(**TWO_BANKS)
    bench.ask(network("001", {32: BNI.text}))
    asked = dict(sorted({**network("301").elements, **elements}.items()))

    assert code == bench.ask(IsoMessage("0800", {n: v for n, v in asked.items() if v}))[39]
    assert (what, why) == (bench.notes[-1].event, bench.notes[-1].fields["reason"])


@pytest.mark.parametrize(
    ("code", "what"),
    [("001", "sign-on"), ("002", "sign-off"), ("201", "cut-over"), ("301", "echo")],
)
def test_log_names_what_was_done(code: str, what: str) -> None:
    """Sessions are recorded with whose they are, and by whom."""
    bench = Bench() if what == "sign-on" else signed_on()
    before = len(bench.memory.records)

    assert "00" == bench.ask(network(code))[39]
    assert what == bench.notes[-1].event
    record = AuditRecord(what, "127.0.0.1:4001", "acquirer 009")
    assert ([record] if what.startswith("sign") else []) == bench.memory.records[before:]


def test_command_said_twice_is_refused_as_that() -> None:
    """Of a recorded cut-over the log says that it was carried out before."""
    bench = signing_bench()
    cuts = [{7: "0630072507", 11: f"00077{at}", 15: f"070{at}", 70: "201"} for at in (1, 2)]
    for cut in (cuts[0], cuts[1]):
        assert "00" == ask_signed(bench, IsoMessage("0800", cut))[39]

    assert "94" == ask_signed(bench, IsoMessage("0800", cuts[0]))[39]
    assert "the same command was carried out before" == bench.notes[-1].fields["reason"]


def test_key_that_is_hindered_is_refused_as_that() -> None:
    """Of two deliveries at once the second hears 96, and the log says why."""
    bench = signing_bench()
    bench.house.changing_keys.update(bench.house.vault.keys)

    assert "96" == ask_signed(bench, delivery(bench))[39]
    assert ("key delivery", "another change of this key is under way") == (
        bench.notes[-1].event, bench.notes[-1].fields["reason"]
    )  # fmt: skip
