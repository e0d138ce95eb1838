"""Claims about cards that are moved to a new card key, on either database."""

import os

import pytest

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key
from atm_switch.ledger import registry_book as book
from atm_switch.ledger.card_keys import cards_behind, linked_twice, move_cards
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault
from tests.doubles.card_bench import LOST, NEW, TODAY, link, put_participant
from tests.doubles.postgres_bench import CardReader


@pytest.fixture
def vault() -> Vault:
    """Bring fresh keys."""
    return Vault.fresh(os.urandom)


@pytest.fixture
def linked(store: Store, vault: Vault) -> Store:
    """Link one card."""
    put_participant(store)
    link(store, vault.card_ref(LOST))
    return store


def test_every_card_moves_and_is_found_meanwhile(
    linked: Store, vault: Vault, registry: CardReader
) -> None:
    """
    Under a new card key each card is found before, while and after all are moved.
    """
    many = [Pan(_numbered(at)) for at in range(1_200)]
    for pan in many:
        link(linked, vault.card_ref(pan))
    newer = vault.with_card_layer(Key(bytes(range(32))))
    lost_in_between: list[Pan] = []

    def look(_moved: int) -> None:
        for pan in many[::97]:
            ref, *former = newer.card_refs(pan)
            if registry.card(ref, tuple(former)) is None:
                lost_in_between.append(pan)

    before = cards_behind(linked, newer)
    moved = move_cards(linked, newer, look)

    assert (1_201, 1_201, 0) == (before, moved, cards_behind(linked, newer))
    assert [] == lost_in_between
    assert 0 == move_cards(linked, newer, look)


def test_move_that_was_cut_off_goes_on(linked: Store, vault: Vault) -> None:
    """
    What was moved before an interruption stays moved, and the next run moves the rest.
    """
    for at in range(700):
        link(linked, vault.card_ref(Pan(_numbered(at))))
    newer = vault.with_card_layer(Key(bytes(range(32)))).with_card_layer(Key(bytes(range(1, 33))))

    def cut(_moved: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_cards(linked, newer, cut)
    left = cards_behind(linked, newer)

    assert 201 == left
    assert 201 == move_cards(linked, newer, lambda _moved: None)
    ref = newer.card_ref(LOST)
    assert ref == book.card_record(linked, newer.card_refs(LOST))[0]


def test_card_of_an_unknown_key_stops_the_move(linked: Store, vault: Vault) -> None:
    """
    A card hashed under a key that is not ours is not guessed at.
    """
    link(linked, Vault.fresh(os.urandom).card_ref(NEW))
    newer = vault.with_card_layer(Key(bytes(range(32))))

    with pytest.raises(ValueError, match="not in the key file"):
        move_cards(linked, newer, lambda _moved: None)


def test_card_linked_twice_is_named_and_stays(linked: Store, vault: Vault) -> None:
    """
    A card with a link under the newest key too is left by the move, which moves all others and
    names both links without card or KPJ; the newer one forgotten, the older is moved.
    """
    newer = vault.with_card_layer(Key(bytes(range(32))))
    link(linked, newer.card_ref(LOST))
    link(linked, vault.card_ref(NEW))
    refs = newer.card_refs(LOST)

    moved = move_cards(linked, newer, lambda _moved: None)
    (twice,) = linked_twice(linked, newer, 10)
    book.unlink(linked, refs, TODAY)
    (unlinked,) = linked_twice(linked, newer, 10)
    book.forget(linked, refs)

    assert (1, "KPJ *******8901, expiry 2812, linked on 2025-01-02") == (moved, twice.older)
    assert (twice.older, f"{twice.older}, unlinked on {TODAY}") == (twice.newer, unlinked.newer)
    assert ((), 1) == (
        linked_twice(linked, newer, 10),
        move_cards(linked, newer, lambda _moved: None),
    )
    assert refs[0] == book.card_record(linked, refs)[0]


def test_card_under_two_older_keys_is_linked_twice(linked: Store, vault: Vault) -> None:
    """
    Neither of them the newest: one is moved, the other stays and is named.
    """
    second = vault.with_card_layer(Key(bytes(range(32))))
    newest = second.with_card_layer(Key(bytes(range(1, 33))))
    link(linked, second.card_ref(LOST))

    assert 1 == move_cards(linked, newest, lambda _moved: None)
    assert (1, 1) == (cards_behind(linked, newest), len(linked_twice(linked, newest, 10)))


def _numbered(at: int) -> str:
    body = f"9990091{at:08d}"
    return body + luhn_digit(body)
