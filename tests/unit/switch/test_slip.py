"""The slip and the screen, line by line: what the member takes away."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.instant import Zone
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.statement import Statement
from atm_switch.profile.load import load_profile
from atm_switch.switch.slip import (
    Balance,
    Place,
    error_screen,
    is_showable,
    percent,
    printable,
    receipt,
    screen,
)
from tests.doubles.bench import GOLDEN_INSTANT

WORDS = load_profile("bpjstk-jht-v1").texts
PLACE = Place(
    bank="BANK CONTOH", terminal="S1ABC123", zone=Zone.WIB, at=GOLDEN_INSTANT,
    rrn="518107000123", stan="000123", pan_masked="999009******0012",
)  # fmt: skip
BUDI = Participant(
    Kpj("12345678901"), "p1", "BUDI SANTOSO", Segment.WAGE_EARNER, MemberStatus.ACTIVE, 1
)
STATEMENT = Statement(
    as_of=date(2025, 6, 30), opening=Money(1_940_947_047), contributions=Money(171_000_000),
    development=Money(51_017_426), claims=Money(0), rate_millipercent=5000, is_estimate=True,
    last_contribution=date(2025, 6, 1),
)  # fmt: skip
GOLDEN = Balance(BUDI, STATEMENT)
GOLDEN_LINES = (
    "        BANK CONTOH - STRUK ATM         ",
    "30/06/2025 14:25:07 WIB     ATM S1ABC123",
    "NO REF 518107000123          STAN 000123",
    "KARTU  999009******0012                 ",
    "----------------------------------------",
    "          INFORMASI SALDO JHT           ",
    "          BPJS KETENAGAKERJAAN          ",
    "----------------------------------------",
    "NO KPJ      : *******8901               ",
    "NAMA        : BU** SAN****              ",
    "KEPESERTAAN : PU / AKTIF                ",
    "POSISI TGL  : 30/06/2025                ",
    "----------------------------------------",
    "SALDO AWAL THN  Rp         19.409.470,47",
    "IURAN THN INI   Rp          1.710.000,00",
    "PENGEMBANGAN *) Rp            510.174,26",
    "KLAIM THN INI   Rp                  0,00",
    "----------------------------------------",
    "SALDO JHT       Rp         21.629.644,73",
    "----------------------------------------",
    "*) ESTIMASI, TINGKAT PENGEMBANGAN 5,00% ",
    "SALDO BUKAN BUKTI KLAIM. INFO: 175      ",
    " SIMPAN STRUK INI. RAHASIAKAN PIN ANDA  ",
    "              TERIMA KASIH              ",
)


def words_of(lines: tuple[str, ...]) -> str:
    """Join lines to one text with single spaces, rules left out."""
    return " ".join(" ".join(lines).replace("-", " ").split())


def test_golden_slip_line_by_line() -> None:
    """
    The slip of the published member is the twenty-four lines of the example, to the space.
    """
    block = receipt(GOLDEN, PLACE, WORDS["ID"], 40)

    assert GOLDEN_LINES == tuple(line.ljust(40) for line in block.lines)
    assert f"R4024{''.join(GOLDEN_LINES)}" == block.text()


def test_english_slip_says_the_same() -> None:
    """
    In English the figures, the number of lines and the order are the same.
    """
    lines = receipt(GOLDEN, PLACE, WORDS["EN"], 40).lines

    assert 24 == len(lines)
    assert "BANK CONTOH - ATM RECEIPT" == lines[0].strip()
    assert (
        "MEMBERSHIP  : PU / ACTIVE",
        "OPENING BAL.    Rp         19.409.470,47",
        "DEVELOPMENT *)  Rp            510.174,26",
        "*) ESTIMATE, DEVELOPMENT RATE 5,00%",
    ) == (lines[10], lines[13], lines[15], lines[20])


@pytest.mark.parametrize("language", ["ID", "EN"])
@pytest.mark.parametrize("width", [32, 38, 40])
def test_narrow_slip_loses_no_word(width: int, language: str) -> None:
    """
    In every width no line is too wide and every word of the widest slip is there, in order.
    """
    widest = receipt(GOLDEN, PLACE, WORDS[language], 40)

    block = receipt(GOLDEN, PLACE, WORDS[language], width)

    assert words_of(widest.lines) == words_of(block.lines)
    assert words_of(block.lines).endswith(WORDS[language].footer[-1])
    assert width >= max(len(line) for line in block.lines)
    assert 999 >= len(block.text())


def test_final_statement_drops_the_mark() -> None:
    """
    Once the year's development is booked nothing is called an estimate.
    """
    final = replace(STATEMENT, is_estimate=False, rate_millipercent=6260)

    lines = receipt(Balance(BUDI, final), PLACE, WORDS["ID"], 40).lines

    assert "PENGEMBANGAN    Rp            510.174,26" == lines[15]
    assert "TINGKAT PENGEMBANGAN 6,26%" == lines[20]
    assert "*)" not in "".join(lines)


def test_claims_and_standing_are_shown() -> None:
    """
    A claimed-out member sees the claim, a closing of 0,00 and the word for it.
    """
    gone = replace(BUDI, status=MemberStatus.CLAIMED_OUT, segment=Segment.MIGRANT)
    emptied = replace(
        STATEMENT, contributions=Money(0), development=Money(0), claims=STATEMENT.opening
    )

    lines = receipt(Balance(gone, emptied), PLACE, WORDS["ID"], 40).lines

    assert "KEPESERTAAN : PMI / KLAIM LUNAS" == lines[10]
    assert "KLAIM THN INI   Rp         19.409.470,47" == lines[16]
    assert "SALDO JHT       Rp                  0,00" == lines[18]


@pytest.mark.parametrize("width", [32, 38, 40])
def test_huge_amounts_are_broken_not_cut(width: int) -> None:
    """
    The greatest amount DE48 can hold stands whole on the slip, on a line of its own where
    it must; only the greetings at the end may have no room.
    """
    huge = replace(STATEMENT, opening=Money(10**14 - 1 - 222_017_426))

    block = receipt(Balance(BUDI, huge), PLACE, WORDS["ID"], width)

    assert width >= max(len(line) for line in block.lines)
    assert 999 >= len(block.text())
    for amount in (huge.opening, huge.contributions, huge.development, huge.closing):
        assert any(line.endswith(amount.indonesian()) for line in block.lines)
    assert "SALDO BUKAN BUKTI KLAIM. INFO: 175" in words_of(block.lines)


@pytest.mark.parametrize("width", [32, 38, 40])
def test_long_name_goes_on_below(width: int) -> None:
    """
    A name that does not fit goes on under itself, and no letter of its mask is lost.
    """
    name = "MUHAMMAD ABDURRAHMAN WAHIDUDDIN KUSUMANINGRAT SOSRODININGRATAN"
    member = replace(BUDI, name=name)

    block = receipt(Balance(member, STATEMENT), PLACE, WORDS["ID"], width)

    lines = block.lines
    first = next(at for at, line in enumerate(lines) if line.startswith("NAMA"))
    last = next(at for at, line in enumerate(lines) if line.startswith("KEPESERTAAN"))
    assert member.masked_name == " ".join(line[14:] for line in lines[first:last])
    assert all(line.startswith(" " * 14) for line in lines[first + 1 : last])
    assert width >= max(len(line) for line in lines)


def test_long_bank_name_leaves_the_title() -> None:
    """
    A bank's name too long for the line is cut, not the words that say what the slip is.
    """
    place = PLACE._replace(bank="BANK PEMBANGUNAN DAERAH NUSANTARA RAYA SYARIAH")

    lines = receipt(GOLDEN, place, WORDS["ID"], 32).lines

    assert "BANK PEMBANGUNAN DAE - STRUK ATM" == lines[0]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("JOSÉ NUÑEZ", "JO** NUN**"), ("李 小龙", "* ?*"), ("A\x00BCD\nC", "A?*** *")],
)
def test_foreign_letters_become_printable(name: str, shown: str) -> None:
    """
    Names of any script come out as printable ASCII: accents fall off, the rest is a mark.
    """
    member = replace(BUDI, name=name)

    block = receipt(Balance(member, STATEMENT), PLACE, WORDS["ID"], 40)

    assert f"NAMA        : {shown}" == block.lines[9]
    assert block.text().isascii()
    assert block.text().isprintable()


def test_screen_has_no_rules_or_greetings() -> None:
    """
    The screen shows who, as of when and how much; no card number, no reference.
    """
    block = screen(GOLDEN, WORDS["ID"], 40)

    assert ("S", 40, 11) == (block.kind, block.width, len(block.lines))
    assert GOLDEN_LINES[8:12] == tuple(line.ljust(40) for line in block.lines[1:5])
    assert "0012" not in block.text()


def test_screen_offers_the_other_numbers() -> None:
    """
    With several KPJ the last lines say how many and how to choose.
    """
    lines = screen(Balance(replace(BUDI, kpj_count=12), STATEMENT), WORDS["ID"], 40).lines

    assert ("ANDA MEMILIKI 12 NOMOR KPJ.", "PILIH KPJ 01-12 UNTUK SALDO LAIN.") == lines[-2:]


def test_error_screen_breaks_between_words() -> None:
    """
    A long sentence takes as many lines as it needs, broken at spaces.
    """
    text = "Kartu belum terdaftar BPJS Ketenagakerjaan. Hubungi kantor cabang/175"

    block = error_screen(text, 40)

    assert ("E", text) == (block.kind, " ".join(block.lines))
    assert "Kartu belum terdaftar BPJS" == block.lines[0]


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(5000, "5,00"), (6260, "6,26"), (5625, "5,625"), (0, "0,00"), (10_100, "10,10"), (7, "0,007")],
)
def test_rate_shows_two_decimals_or_three(rate: int, shown: str) -> None:
    """
    A rate has two decimals, and a third only where it is not zero.
    """
    assert shown == percent(rate)


@pytest.mark.parametrize(
    ("changes", "shows"),
    [
        ({}, True),
        ({"opening": Money(-1)}, False),
        ({"claims": Money(-1)}, False),
        ({"opening": Money(10**14)}, False),
        ({"claims": Money(10**13)}, False),
    ],
)
def test_only_whole_amounts_are_showable(changes: dict[str, Any], *, shows: bool) -> None:
    """
    DE48 has no sign and fourteen digits: what does not fit is not shown at all.
    """
    assert shows == is_showable(replace(STATEMENT, **changes))


def test_printable_keeps_plain_text() -> None:
    """
    Printable ASCII is left as it is.
    """
    plain = "".join(map(chr, range(32, 127)))

    assert plain == printable(plain)
