"""Nobody finds out which members and cards there are, and nobody may ask for ever.

An attacker at a signed-on terminal tries KPJ after KPJ and card after card: what he gets
for unknown, unlinked and foreign is the same bytes, costs the same questions where he
could time them, and ends at 65.  One without the MAC key gets nothing and moves nothing.
"""

from dataclasses import replace

import pytest

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import Participant
from atm_switch.domain.secret import Key
from atm_switch.switch.hsm_port import CheckMac, MakeMac, VerifyPin
from atm_switch.switch.ports import Commit, FindAccount, FindCard, Reserve
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BUDIS_OTHER, PAN, PIN, STRANGER, Bench
from tests.doubles.inquiries import asked_kinds, commits, de48, reservations, signed_on
from tests.doubles.signed_line import signed_payload, signing_bench

UNKNOWN = Kpj("99988877766")
"""A KPJ nobody has."""
UNLINKED_PAN = "9990090000000020"
LINKED_TO_NOBODY = "9990090000000038"
"""A card whose KPJ the ledger does not know."""
WRONG = "0123456789ABCDEF"
ECHOED = (2, 48)
PROFILES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
STRANGERS_KEY = Key.from_hex("5CA64B3C22BEC347CA7E6609904BAAED")


def ways_to_miss(bench: Bench) -> dict[str, IsoMessage]:
    """Ask for a member who is none of the card's, in every way there is."""
    bench.link_card(LINKED_TO_NOBODY, UNKNOWN, PIN)
    stranger = bench.memory.persons[STRANGER]
    bench.memory.persons[BUDIS_OTHER] = replace(stranger, kpj=BUDIS_OTHER, person="p1")
    asked: dict[str, dict[int, str | None]] = {
        "unknown KPJ": {48: de48(UNKNOWN.digits, lookup=1)},
        "foreign KPJ": {48: de48(STRANGER.digits, lookup=1)},
        "index past the list": {48: de48(index=9)},
        "unlinked card": {2: UNLINKED_PAN, 52: bench.pin_block(PIN, UNLINKED_PAN)},
        "card of no member": {2: LINKED_TO_NOBODY, 52: bench.pin_block(PIN, LINKED_TO_NOBODY)},
    }
    return {what: bench.inquiry(changes) for what, changes in asked.items()}


def asked_anew(bench: Bench, message: IsoMessage) -> tuple[IsoMessage, list[str]]:
    """Ask as if nobody had asked this before; return the answer and the questions it cost."""
    bench.memory.stored.clear()
    bench.memory.asked.clear()
    return bench.ask(message), asked_kinds(bench)


@pytest.mark.parametrize("profile", PROFILES)
def test_unknown_unlinked_and_foreign_are_alike(profile: str) -> None:
    """
    Unknown KPJ, somebody else's KPJ, an index past the list, an unlinked card and a card of
    no member get 56 with the same bytes; only the card number they sent comes back.
    """
    bench = signed_on(profile=profile)
    pack = bench.dialect.packager.pack

    answers = {what: asked_anew(bench, message)[0] for what, message in ways_to_miss(bench).items()}

    assert {"56"} == {answer[39] for answer in answers.values()}
    assert 1 == len({pack(answer.without(*ECHOED)) for answer in answers.values()})
    assert not any({44, 48, 54, 63} & answer.elements.keys() for answer in answers.values())


def test_journal_tells_them_apart_no_more() -> None:
    """
    Their rows have one outcome, one DE39, no KPJ and no host reference: who reads the
    journal learns no more than who asked.
    """
    bench = signed_on()

    for message in ways_to_miss(bench).values():
        asked_anew(bench, message)

    endings = {
        (row.ending.outcome, row.ending.response_code, row.ending.kpj_masked)
        for row in commits(bench)
    }
    assert 1 == len(endings)
    assert "56" == next(iter(endings))[1]


def test_unknown_and_foreign_cost_the_same_questions() -> None:
    """
    Where it could be timed there is nothing to time: for a KPJ nobody has and for somebody
    else's the neighbours are asked the same things in the same order, the ledger for no
    account.
    """
    bench = signed_on()
    misses = ways_to_miss(bench)

    costs = {
        what: asked_anew(bench, misses[what])[1]
        for what in ("unknown KPJ", "foreign KPJ", "index past the list")
    }

    assert 1 == len({tuple(kinds) for kinds in costs.values()})
    assert "FindAccount" not in costs["foreign KPJ"]
    assert "VerifyPin" in costs["foreign KPJ"]


@pytest.mark.parametrize("kpj", [UNKNOWN, STRANGER], ids=["unknown", "foreign"])
def test_nobody_asks_for_members_without_the_pin(kpj: Kpj) -> None:
    """
    With a wrong PIN the answer is 55 whoever's KPJ it is: no member is looked for.
    """
    bench = signed_on()

    answer, asked = asked_anew(bench, bench.inquiry({48: de48(kpj.digits, lookup=1), 52: WRONG}))

    assert "55" == answer[39]
    assert "FindSiblings" not in asked


def test_card_limit_holds_over_links_and_terminals() -> None:
    """
    A card's hourly number is the switch's, not the link's: another terminal, another link,
    a reconnect and a new sign-on do not reset it; an hour does.
    """
    bench = signed_on(inquiries_per_card_per_hour=2)
    first = [bench.ask(bench.inquiry({11: f"00010{at}"}))[39] for at in range(2)]

    later = []
    for link in (2, 3):
        bench.perform(bench.switch.closed(link - 1, "hung up"))
        bench.open(link)
        bench.sign_on(link)
        changes: dict[int, str | None] = {11: f"00020{link}", 41: f"S1ABC99{link}"}
        later.append(bench.ask(bench.inquiry(changes), link)[39])
    bench.pass_time(3600)
    bench.open(4)
    bench.sign_on(4)

    assert (["00", "00"], ["65", "65"]) == (first, later)
    assert "00" == bench.ask(bench.inquiry({11: "000300"}), 4)[39]


def test_terminal_limit_holds_over_links_and_cards() -> None:
    """
    A terminal's number a minute is not reset by a reconnect or another card either.
    """
    bench = signed_on(inquiries_per_terminal_per_minute=1)
    first = bench.ask(bench.inquiry())[39]
    bench.perform(bench.switch.closed(1, "hung up"))
    bench.open(2)
    bench.sign_on(2)

    other_card: dict[int, str | None] = {11: "000200", 2: UNLINKED_PAN}
    second = bench.ask(bench.inquiry(other_card), 2)[39]

    assert ("00", "65") == (first, second)


def test_card_scan_ends_at_the_terminal_limit() -> None:
    """
    Who tries card after card from one terminal is stopped too, and what was 56 becomes 65
    for linked and unlinked alike.
    """
    bench = signed_on(inquiries_per_terminal_per_minute=3)
    cards = (UNLINKED_PAN, "9990090000000046", "9990090000000053", PAN, LINKED_TO_NOBODY)

    codes = [
        bench.ask(bench.inquiry({2: pan, 11: f"00000{at}"}))[39] for at, pan in enumerate(cards)
    ]

    assert ["56", "56", "56", "65", "65"] == codes


def test_limits_come_before_card_and_pin() -> None:
    """
    A 65 has looked up no card, reserved no try and looked at no PIN, right or wrong.
    """
    bench = signed_on(inquiries_per_card_per_hour=1)
    bench.ask(bench.inquiry())

    asked = [
        asked_anew(bench, bench.inquiry({11: f"00050{at}", 52: block}))
        for at, block in enumerate((bench.pin_block(), WRONG))
    ]

    assert {"65"} == {answer[39] for answer, _ in asked}
    assert not {"FindCard", "Reserve", "VerifyPin"} & {kind for _, kinds in asked for kind in kinds}
    assert 1 == bench.memory.verifications
    assert 1 == len(reservations(bench))


def test_probing_without_the_key_moves_nothing() -> None:
    """
    A thousand inquiries with wrong MACs: 63, byte for byte alike, whoever's card and KPJ;
    no counter moves, no PIN is tried, no row is written, no ledger asked, and the limits
    are where they were.
    """
    bench = signing_bench(
        inquiries_per_card_per_hour=2, inquiries_per_terminal_per_minute=2, bad_frames_per_minute=0
    )
    misses = [*ways_to_miss(bench).values(), bench.inquiry(), bench.inquiry({52: WRONG})]
    before = len(bench.memory.rows)
    bench.memory.asked.clear()

    answers = [
        bench.feed(signed_payload(bench, message, STRANGERS_KEY))[0]
        for message in misses * (1000 // len(misses))
    ]

    assert {"63"} == {answer[39] for answer in answers}
    assert 1 == len({bench.dialect.packager.pack(one.without(2, 64)) for one in answers})
    assert {CheckMac, MakeMac} == {type(question) for question in bench.memory.asked}
    assert (before, 0, {}) == (
        len(bench.memory.rows), bench.memory.verifications, bench.memory.tries
    )  # fmt: skip
    sound = [bench.inquiry({11: f"00060{at}"}) for at in range(3)]
    codes = [bench.feed(signed_payload(bench, message))[0][39] for message in sound]
    assert ["00", "00", "65"] == codes


def test_refused_peer_learns_nothing_of_the_card() -> None:
    """
    Without the key an unlinked card, a blocked one and one without tries look as a good one
    does: the neighbours that could tell are not asked.
    """
    bench = signing_bench(bad_frames_per_minute=0)
    bench.memory.tries[bench.link_card(PAN, STRANGER, PIN).ref.digest] = 3
    bench.memory.asked.clear()

    (refused,) = bench.feed(signed_payload(bench, bench.inquiry(), STRANGERS_KEY))

    assert {39, 64} <= refused.elements.keys()
    assert not {44, 48, 54, 62, 63} - {62} & refused.elements.keys()
    assert not {FindCard, Reserve, VerifyPin, FindAccount, Commit} & {
        type(question) for question in bench.memory.asked
    }


def test_participants_of_these_claims_are_there() -> None:
    """
    The control: the foreign KPJ exists and has a balance, and the unknown one does not.
    """
    bench = signed_on()

    assert isinstance(bench.memory.persons[STRANGER], Participant)
    assert UNKNOWN not in bench.memory.persons
    bench.link_card(PAN, STRANGER, PIN)
    assert "00" == bench.ask(bench.inquiry({48: de48(STRANGER.digits, lookup=1)}))[39]
