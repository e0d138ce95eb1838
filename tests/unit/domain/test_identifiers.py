"""Claims about identifiers: the right shape or none, and no value in an error."""

import pickle

import pytest

from atm_switch.domain.identifiers import AcquirerId, Channel, Kpj, Nik, Rrn, Stan, TerminalId


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (Stan, "000001"),
        (Rrn, "518107000123"),
        (TerminalId, "S1ABC123"),
        (TerminalId, "A       "),
        (AcquirerId, "009"),
        (AcquirerId, "12345678901"),
        (Channel, "6011"),
        (Kpj, "12345678901"),
        (Nik, "3523418097870002"),
    ],
)
def test_right_shape_is_taken(kind: type, good: str) -> None:
    """What the field uses exists."""
    assert kind(good) == kind(good)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (Stan, "12345"),
        (Stan, "12345x"),
        (Stan, "١٢٣٤٥٦"),
        (Rrn, "518107-00123"),
        (TerminalId, "        "),
        (TerminalId, "S1ABC12"),
        (TerminalId, "S1ABC\n23"),
        (AcquirerId, ""),
        (AcquirerId, "123456789012"),
        (Channel, "ATM1"),
        (Kpj, "11111111111"),
        (Kpj, "1234567890"),
        (Kpj, "1234567890A"),
        (Nik, "352341809787000"),
        (Nik, "0000000000000000"),
        (Nik, "9999999999999999"),
    ],
)
def test_wrong_shape_is_refused_unquoted(kind: type, bad: str) -> None:
    """The rule is named, the value is not."""
    with pytest.raises(ValueError, match=r"^an? ") as refused:
        kind(bad)

    assert not bad.strip() or bad not in str(refused.value)


def test_member_numbers_print_as_masks() -> None:
    """KPJ shows four digits, NIK two and two; a NIK is not pickled."""
    kpj, nik = Kpj("12345678901"), Nik("3523418097870002")

    assert ("Kpj(*******8901)", "Nik(35************02)") == (repr(kpj), repr(nik))
    assert "12345678901" not in f"{kpj} {kpj!s}"
    with pytest.raises(TypeError):
        pickle.dumps(nik)
