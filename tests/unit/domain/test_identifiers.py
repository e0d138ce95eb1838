"""Claims about identifiers: the right shape or none, and no value in an error."""

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest

from atm_switch.domain.identifiers import (
    AcquirerId,
    Channel,
    Kpj,
    Nik,
    Rrn,
    Stan,
    TerminalId,
    acquirer_id,
    channel,
    terminal_id,
)


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


@pytest.mark.parametrize(
    ("make", "text"), [(terminal_id, "S1ABC123"), (acquirer_id, "009"), (channel, "6011")]
)
def test_what_all_requests_share_cannot_be_changed(
    make: Callable[[str], object], text: str
) -> None:
    """It is one object for all, so that it is held at run time, too; a copy is equal to it."""
    shared = make(text)

    with pytest.raises(FrozenInstanceError):
        setattr(shared, "text", "another")  # noqa: B010  mypy would say the same
    assert text == str(make(text))
    assert shared is make(text)
    assert shared == pickle.loads(pickle.dumps(shared))  # noqa: S301
    assert {shared: 1}[type(shared)(text)] == 1  # type: ignore[call-arg]


def test_member_numbers_print_as_masks() -> None:
    """KPJ shows four digits, NIK two and two; a NIK is not pickled."""
    kpj, nik = Kpj("12345678901"), Nik("3523418097870002")

    assert ("Kpj(*******8901)", "Nik(35************02)") == (repr(kpj), repr(nik))
    assert "12345678901" not in f"{kpj} {kpj!s}"
    with pytest.raises(TypeError):
        pickle.dumps(nik)
