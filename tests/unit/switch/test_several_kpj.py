"""Members with several KPJ, and those who ask for somebody else's."""

import pytest

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.switch.ports import FindAccount
from tests.doubles.bench import BUDI, BUDIS_OTHER, STRANGER, Bench, bank, golden_history
from tests.doubles.inquiries import asked_kinds, block_of, commits, de48, signed_on

UNKNOWN = Kpj("99988877766")
EN_ROUTE = "YOU HAVE 02 KPJ NUMBERS."


def with_two(**how: object) -> Bench:
    """Give Budi a second KPJ, one of an earlier job."""
    bench = signed_on(**how)
    bench.memory.persons[BUDIS_OTHER] = Participant(
        BUDIS_OTHER, "p1", "BUDI SANTOSO", Segment.MIGRANT, MemberStatus.INACTIVE, 1
    )
    return bench


def shown_kpj(data: str) -> str:
    """Cut the KPJ out of DE48 of a response."""
    return data[6:17]


@pytest.mark.parametrize(("index", "tail"), [(0, "8901"), (1, "8901"), (2, "8999")])
def test_index_chooses_among_the_own(index: int, tail: str) -> None:
    """
    Index 00 is the card's own KPJ, 01 the first of the list, which is the same, 02 the next.
    """
    bench = with_two()

    response = bench.ask(bench.inquiry({48: de48(index=index)}))

    assert "00" == response[39]
    assert f"*******{tail}" == shown_kpj(response[48]) == commits(bench)[-1].ending.kpj_masked


@pytest.mark.parametrize("index", [3, 4, 50, 99])
def test_index_beyond_the_list_is_refused(index: int) -> None:
    """
    An index past the member's last KPJ gets 56; the ledger is not asked for an account.
    """
    bench = with_two()

    response = bench.ask(bench.inquiry({48: de48(index=index)}))

    assert "56" == response[39]
    assert "FindAccount" not in asked_kinds(bench)


@pytest.mark.parametrize("index", [0, 1])
def test_own_kpj_takes_one_question_to_the_ledger(index: int) -> None:
    """
    How many KPJ there are comes with the card's own account: nobody is asked for the others.
    """
    bench = with_two()

    bench.ask(bench.inquiry({48: de48(index=index)}))

    assert "FindSiblings" not in asked_kinds(bench)
    assert 1 == asked_kinds(bench).count("FindAccount")


@pytest.mark.parametrize("index", [0, 1])
def test_card_of_a_merged_kpj_shows_the_one_that_stands(index: int) -> None:
    """
    Where a card leads to a KPJ that was merged away, the person's first that stands is shown.
    """
    bench = with_two()
    bench.memory.merged.add(BUDI)

    response = bench.ask(bench.inquiry({48: de48(index=index)}))

    assert ("00", BUDIS_OTHER.masked) == (response[39], shown_kpj(response[48]))
    assert "01" == response[48][133:135]
    assert BUDIS_OTHER.masked == commits(bench)[-1].ending.kpj_masked


@pytest.mark.parametrize("lookup", [0, 1])
def test_merged_kpj_with_none_that_stands_is_not_linked(lookup: int) -> None:
    """
    A KPJ merged away has no account to show, by the card or by its number: 56.
    """
    bench = signed_on()
    bench.memory.merged.add(BUDI)
    number = BUDI.digits if lookup else "0" * 11

    response = bench.ask(bench.inquiry({48: de48(number, lookup)}))

    assert ("56", "") == (response[39], commits(bench)[-1].ending.kpj_masked)


def test_kpj_merged_between_two_questions_is_not_shown() -> None:
    """
    One that stood when it was looked for, and was merged before its account was read: 56.
    """
    bench = signed_on()
    bench.holds = (FindAccount,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry({48: de48(BUDI.digits, 1)})))

    bench.memory.merged.add(BUDI)
    bench.release()

    assert "56" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]


def test_count_and_choice_are_shown() -> None:
    """
    DE48 counts the KPJ and the screen says how to choose; the slip does not.
    """
    bench = with_two()

    response = bench.ask(bench.inquiry({48: de48(language="EN")}))

    assert "02" == response[48][133:135]
    lines = [line.rstrip() for line in block_of(response).lines]
    assert [EN_ROUTE, "CHOOSE KPJ 01-02 FOR THE OTHERS."] == lines[-2:]
    assert EN_ROUTE not in response[63]


def test_single_kpj_offers_no_choice() -> None:
    """
    Who has one KPJ is counted as one and offered nothing to choose.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry())

    assert "01" == response[48][133:135]
    assert "PILIH" not in response[62]


@pytest.mark.parametrize("own", [BUDI, BUDIS_OTHER])
def test_own_kpj_is_found_by_number(own: Kpj) -> None:
    """
    A look-up by KPJ answers for every KPJ of the card's owner.
    """
    bench = with_two()

    response = bench.ask(bench.inquiry({48: de48(own.digits, lookup=1)}))

    assert ("00", own.masked) == (response[39], shown_kpj(response[48]))


def test_foreign_and_unknown_kpj_look_alike() -> None:
    """
    Somebody else's KPJ, one nobody has, an index too far, a card nobody linked and a KPJ
    the ledger lost get the same bytes: nothing tells which numbers exist.
    """
    answers = set()
    for data in (de48(STRANGER.digits, 1), de48(UNKNOWN.digits, 1), de48(index=9)):
        bench = signed_on()
        bench.ask(bench.inquiry({48: data}))
        answers.add(bench.sent[-1].payload)
    for forget in ("cards", "persons"):
        bench = signed_on()
        getattr(bench.memory, forget).clear()
        bench.ask(bench.inquiry())
        answers.add(bench.sent[-1].payload)

    assert 1 == len(answers)
    assert "56" == bench.dialect.packager.unpack(answers.pop())[39]


def test_foreign_kpj_asks_the_same_questions() -> None:
    """
    A foreign and an unknown KPJ take the same way through the neighbours too.
    """
    ways = []
    for kpj in (STRANGER, UNKNOWN):
        bench = signed_on()
        bench.ask(bench.inquiry({48: de48(kpj.digits, 1)}))
        ways.append(asked_kinds(bench))

    assert ways[0] == ways[1]


def test_account_that_vanished_is_not_linked() -> None:
    """
    A KPJ that the ledger drops between two questions gets 56 as well.
    """
    bench = signed_on()
    bench.holds = (FindAccount,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    bench.memory.persons.clear()
    bench.release()

    assert "56" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]


@pytest.mark.parametrize("shows", [True, False])
def test_whole_kpj_only_for_who_may(shows: bool) -> None:  # noqa: FBT001
    """
    DE48 shows the KPJ whole to a bank with that flag; screen and slip never do.
    """
    bench = signed_on(banks=(bank(unmasked_kpj=shows),))

    response = bench.ask(bench.inquiry())

    assert (BUDI.digits if shows else BUDI.masked) == shown_kpj(response[48])
    assert BUDI.digits not in response[62] + response[63]


def test_lookup_by_nik_is_no_way_here() -> None:
    """
    An ATM may not look up by NIK: 40, and nobody is asked about that NIK.
    """
    bench = signed_on()
    data = "JHTBAL" + "0" * 11 + "2" + "3523418097870002" + "ID0040"

    assert "40" == bench.ask(bench.inquiry({48: data}))[39]
    assert ["Commit"] == asked_kinds(bench)


def test_hundred_kpj_are_counted_to_the_limit() -> None:
    """
    More KPJ than DE48 can count are shown as 99, and the inquiry is answered.
    """
    bench = signed_on()
    for at in range(120):
        kpj = Kpj(f"{40000000000 + at}")
        bench.memory.persons[kpj] = Participant(
            kpj, "p1", "BUDI SANTOSO", Segment.WAGE_EARNER, MemberStatus.ACTIVE, 1
        )
        bench.memory.histories[kpj] = golden_history

    response = bench.ask(bench.inquiry())

    assert ("00", "99") == (response[39], response[48][133:135])
