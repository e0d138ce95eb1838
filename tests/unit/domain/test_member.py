"""A participant and a linked card, as far as they may be shown."""

from datetime import date

import pytest

from atm_switch.domain.card import Expiry
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import (
    CardRef,
    CardStatus,
    LinkedCard,
    MemberStatus,
    Participant,
    Segment,
)

BUDI = Participant(
    Kpj("12345678901"), "ab" * 32, "BUDI SANTOSO", Segment.WAGE_EARNER, MemberStatus.ACTIVE, 1
)


def test_participant_prints_masks_only() -> None:
    """
    The representation has four digits of the KPJ and letters of the name, no more.
    """
    assert "Participant(Kpj(*******8901), BU** SAN****)" == repr(BUDI)
    assert "BU** SAN****" == BUDI.masked_name


@pytest.mark.parametrize(
    ("words", "members"),
    [
        (["PU", "BPU", "PMI"], Segment),
        (["A", "N", "K"], MemberStatus),
        (["active", "blocked"], CardStatus),
    ],
)
def test_words_are_those_of_the_files(
    words: list[str], members: type[Segment | MemberStatus | CardStatus]
) -> None:
    """
    The enumerations have the words of the CSV files, no more and no fewer.
    """
    assert words == [member.value for member in members]


def test_jakon_is_no_segment() -> None:
    """
    Jakon has no JHT, so there is no such segment here.
    """
    with pytest.raises(ValueError, match="not a valid Segment"):
        Segment("JAKON")


def test_linked_card_never_prints_kpj() -> None:
    """
    The representation of a link shows the KPJ masked.
    """
    card = LinkedCard(
        ref=CardRef("k1", bytes(32)),
        kpj=BUDI.kpj,
        expiry=Expiry("2812"),
        status=CardStatus.ACTIVE,
        consent_on=date(2025, 6, 30),
        pvv="1234",
        pvki="1",
    )

    assert "12345678901" not in repr(card)
