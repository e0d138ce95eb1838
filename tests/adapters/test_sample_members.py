"""The sample members: true to the published simulation, in any year, from end to end."""

import re
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from atm_switch.domain.card import luhn_is_right
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardStatus, MemberStatus, Participant, Segment
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.secret import Pin
from atm_switch.domain.statement import Statement, draw_up
from atm_switch.ledger.sample_members import sample_cards, sample_files
from atm_switch.security.pvv import pvv_matches
from tests.doubles.ledger_bench import LedgerBench
from tests.doubles.rates import flat

DAYS = [date(2025, 6, 30), date(2026, 1, 1), date(2028, 2, 29), date(2031, 12, 31)]
BUDI, SITI, AGUS, MAYA = (
    Kpj("12345678901"),
    Kpj("23456789012"),
    Kpj("34567890123"),
    Kpj("89012345678"),
)


def filled(folder: Path, today: date) -> LedgerBench:
    """Import and link the samples of a day."""
    bench = LedgerBench(folder, at=datetime(today.year, today.month, today.day, 5, tzinfo=UTC))
    texts = sample_files(today, bench.vault)
    paths = {name: bench.file(name, text) for name, text in texts.items()}
    bench.take(paths["postings.csv"], paths["participants.csv"])
    summary = bench.link(paths["cards.csv"])
    assert () == summary.warnings
    return bench


def statement_of(bench: LedgerBench, kpj: Kpj, today: date) -> tuple[Participant, Statement]:
    """Draw up a member's statement at 5 %."""
    with closing(bench.ledger()) as ledger:
        found = ledger.account(kpj, today)
    assert found is not None
    return found[0], draw_up(found[1], today, flat(5_000))


@pytest.mark.parametrize("today", DAYS)
def test_first_member_is_published_simulation(tmp_path: Path, today: date) -> None:
    """
    In any year the first member opens with 19,409,470.47 and has paid every month so far.
    """
    bench = filled(tmp_path, today)

    participant, statement = statement_of(bench, BUDI, today)

    assert ("BUDI SANTOSO", Segment.WAGE_EARNER) == (participant.name, participant.segment)
    assert "19.409.470,47" == statement.opening.indonesian()
    assert Money(28_500_000 * today.month) == statement.contributions
    assert date(today.year, today.month, 1) == statement.last_contribution
    assert statement.is_estimate


def test_first_member_on_golden_day(tmp_path: Path) -> None:
    """
    On 30 June 2025 the first member's statement is the golden one, to the sen.
    """
    _, statement = statement_of(filled(tmp_path, DAYS[0]), BUDI, DAYS[0])

    assert ("510.174,26", "21.629.644,73") == (
        statement.development.indonesian(),
        statement.closing.indonesian(),
    )


@pytest.mark.parametrize("today", DAYS)
def test_claimed_out_member_has_exactly_nothing(tmp_path: Path, today: date) -> None:
    """
    The claimed-out account has status K and a balance of zero, but was once full.
    """
    bench = filled(tmp_path, today)

    participant, statement = statement_of(bench, AGUS, today)

    assert MemberStatus.CLAIMED_OUT is participant.status
    assert (ZERO, ZERO) == (statement.opening, statement.closing)
    assert [(1,)] == bench.rows("SELECT count(*) FROM postings WHERE kind = 'claim'")


@pytest.mark.parametrize("today", DAYS)
def test_members_show_every_situation(tmp_path: Path, today: date) -> None:
    """
    One member has three KPJ, one has nothing booked, and all segments are there.
    """
    bench = filled(tmp_path, today)

    with closing(bench.ledger()) as ledger:
        siblings, unbooked = ledger.siblings(SITI), ledger.account(MAYA, today)

    assert (SITI, Kpj("23456789020"), Kpj("23456789038")) == siblings
    assert unbooked is not None
    assert unbooked[1].has_postings is False
    segments = bench.rows("SELECT DISTINCT segment FROM participants ORDER BY segment")
    assert [("BPU",), ("PMI",), ("PU",)] == segments


@pytest.mark.parametrize("today", DAYS)
def test_cards_are_linked_as_listed(tmp_path: Path, today: date) -> None:
    """
    Each card is in the state its response code says, and only the 56 is not linked.
    """
    bench = filled(tmp_path, today)

    with closing(bench.registry()) as registry:
        for card in sample_cards(today):
            link = registry.card(bench.vault.card_ref(card.pan))
            assert (card.response_code == "56") == (link is None)
            if link is not None:
                is_past = link.expiry.is_past(today.year, today.month)
                assert (card.response_code == "54") == is_past
                assert (card.response_code == "62") == (link.status is CardStatus.BLOCKED)
                assert card.kpj == link.kpj


def test_every_pin_fits_its_pvv_alone(tmp_path: Path) -> None:
    """
    The PVV of each linked card is its own PIN's, and no other card's PIN passes.
    """
    bench = filled(tmp_path, DAYS[0])
    cards = [card for card in sample_cards(DAYS[0]) if card.kpj is not None]
    pvk = bench.vault.pvk("1")
    assert pvk is not None

    with closing(bench.registry()) as registry:
        for card in cards:
            link = registry.card(bench.vault.card_ref(card.pan))
            assert link is not None
            fits = pvv_matches(Pin(card.pin.encode()), card.pan, "1", pvk.token, link.pvv)
            assert fits, card.shows


def test_pins_differ_where_a_pvv_looks() -> None:
    """
    All PINs have six digits and differ within the first four.
    """
    pins = [card.pin for card in sample_cards(DAYS[0])]

    assert all(re.fullmatch(r"[0-9]{6}", pin) for pin in pins)
    assert len(pins) == len({pin[:4] for pin in pins})


def test_cards_are_of_the_lab_alone() -> None:
    """
    Every PAN has 16 digits of BIN 999009 with a right Luhn digit; the first is the golden one.
    """
    digits = [card.pan.digits for card in sample_cards(DAYS[0])]

    assert "9990090000000012" == digits[0]
    assert all(re.fullmatch(r"999009[0-9]{10}", pan) and luhn_is_right(pan) for pan in digits)
    assert len(digits) == len(set(digits))


def test_niks_have_the_fields_shape(tmp_path: Path) -> None:
    """
    A NIK has 16 digits, the birth date in the middle, 40 added to a woman's day.
    """
    text = sample_files(DAYS[0], LedgerBench(tmp_path).vault)["participants.csv"]
    rows = [line.split(",") for line in text.splitlines()[1:]]

    for _, nik, _, birth_date, _, _ in rows:
        born = date.fromisoformat(birth_date)
        assert nik[6:12] in {f"{born:%d%m%y}", f"{born.day + 40}{born:%m%y}"}
    assert 16 == len(rows[0][1])


def test_list_for_people_has_card_and_pin(tmp_path: Path) -> None:
    """
    cards.txt names every card with expiry, PIN, response code and what it shows.
    """
    text = sample_files(DAYS[0], LedgerBench(tmp_path).vault)["cards.txt"]

    assert re.search(r"9990090000000012 +2812 +123456 +00 +the published simulation", text)
    for card in sample_cards(DAYS[0]):
        assert card.shows in text
    assert "its first four digits count" in text


def test_sample_card_prints_no_pin() -> None:
    """
    The representation of a sample card has neither PAN nor PIN.
    """
    card = sample_cards(DAYS[0])[0]

    assert card.pin not in repr(card)
    assert card.pan.digits not in repr(card)


def test_vault_without_pvk_is_refused(tmp_path: Path) -> None:
    """
    Without a PIN verification key of index 1 there are no samples.
    """
    vault = LedgerBench(tmp_path).vault
    bare = type(vault)(
        pan_key=vault.pan_key,
        person_key=vault.person_key,
        fingerprint_key=vault.fingerprint_key,
        sealing_key=vault.sealing_key,
        keys={},
    )

    with pytest.raises(Refused, match="no PIN verification key of index 1"):
        sample_files(DAYS[0], bare)
