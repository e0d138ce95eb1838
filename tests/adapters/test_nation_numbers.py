"""The numbers of the synthetic nation: well formed, of the lab, and none twice."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.cli import ledger_sample
from atm_switch.domain.card import Pan
from atm_switch.domain.identifiers import Kpj, Nik
from atm_switch.ledger.nation_chance import Dice
from atm_switch.ledger.nation_files import NationWishes, write_nation
from atm_switch.ledger.nation_people import MEMBERS_MAX, SLOT, Span, kpj_of, person_of
from atm_switch.ledger.rates_file import read_rates
from atm_switch.ledger.sample_members import SAMPLE_KPJ, SAMPLE_REGION

UNTIL = date(2025, 6, 30)
DRAWS = [
    162,
    903,
    905,
    532,
    139,
    780,
    680,
    678,
    365,
    10,
    798,
    110,
    865,
    464,
    485,
    779,
    821,
    873,
    896,
    318,
]


def rows_of(path: Path) -> list[list[str]]:
    """Read a file's rows, its header left off."""
    return list(csv.reader(path.read_text().splitlines()))[1:]


def test_numbers_are_well_formed(tmp_path: Path) -> None:
    """
    KPJ, NIK and PAN have their shapes; NIKs are of province 99, cards of the lab BIN.
    """
    wishes = NationWishes(400, Span(20, UNTIL, 20), seed=7, has_cards=True)

    write_nation(tmp_path, wishes, read_rates(), lambda _done, _rows: None)

    for kpj, nik, *_ in rows_of(tmp_path / "participants.csv"):
        assert (kpj, "99") == (Kpj(kpj).digits, Nik(nik).digits[:2])
    for pan, *_ in rows_of(tmp_path / "cards.csv"):
        assert "999009" == Pan(pan).digits[:6]


@given(st.integers(0, 2**63 - 1), st.integers(0, 39_999_998))
def test_kpj_ascend_with_their_serial(seed: int, serial: int) -> None:
    """
    A later account has a greater KPJ, so none comes twice up to forty million.
    """
    one, next_one = kpj_of(seed, serial), kpj_of(seed, serial + 1)

    assert Kpj(one).digits < Kpj(next_one).digits


@pytest.mark.parametrize("taken", sorted(SAMPLE_KPJ))
def test_no_kpj_is_one_of_the_sample_members(taken: str) -> None:
    """
    Where chance would give an account a sample member's number it gets the next one.
    """
    serial, place = divmod(int(taken) - 10**10, SLOT)
    seed = next(s for s in range(100_000) if Dice(s, "kpj", serial).below(SLOT) == place)

    kpj = kpj_of(seed, serial)

    assert str(int(taken) + 1) == kpj
    assert kpj not in SAMPLE_KPJ


def test_niks_differ_between_people() -> None:
    """
    Different persons never share the eight free digits of a NIK.
    """
    span = Span(1, UNTIL, 1)

    niks = [person_of(1, number, span).nik for number in (*range(2_000), 39_999_999)]

    assert 2_001 == len({nik[2:6] + nik[12:] for nik in niks})


def test_niks_of_the_sample_region_are_nobody_elses() -> None:
    """
    Who would get the region of the sample members' NIKs gets digits nobody has, all others keep.
    """
    region, span, modulus = int(SAMPLE_REGION[2:]), Span(1, UNTIL, 1), 10**8
    back = pow(61_803_399, -1, modulus)
    would = [number for last in range(10_000)
             if (number := (region * 10_000 + last) * back % modulus) < MEMBERS_MAX]  # fmt: skip

    niks = [person_of(1, number, span).nik for number in would]

    free = [int(nik[2:6] + nik[12:]) for nik in niks]
    assert len(would) == len(set(free))
    assert not any(nik.startswith(SAMPLE_REGION) for nik in niks)
    assert all(digits * back % modulus >= MEMBERS_MAX for digits in free)


def test_dice_keep_falling_the_same() -> None:
    """
    The draws of a seed are these for ever.
    """
    dice = Dice(1, "test", 2)

    assert DRAWS == [dice.below(1_000) for _ in range(20)]


@pytest.mark.parametrize("members", [0, MEMBERS_MAX + 1])
def test_nation_of_impossible_size(members: int) -> None:
    """
    Nobody, or more than the numbers are enough for, is no nation; the command knows it too.
    """
    with pytest.raises(ValueError, match="1 to 40,000,000 members"):
        NationWishes(members, Span(1, UNTIL, 1), seed=1)

    assert MEMBERS_MAX == ledger_sample.MEMBERS_MAX
