"""Claims about a card's link at the officer's desk, on either database."""

import os
from collections.abc import Callable
from datetime import date

import pytest

from atm_switch.domain.card import Expiry
from atm_switch.domain.errors import Refused
from atm_switch.domain.member import CardStatus
from atm_switch.domain.secret import Key
from atm_switch.ledger import registry_book as book
from atm_switch.ledger.card_keys import move_cards
from atm_switch.ledger.store import Row, Store
from atm_switch.security.vault import Vault
from tests.doubles.card_bench import KPJ, LOST, NEW, STRANGER, TODAY, link, put_participant


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


def new_card(vault: Vault) -> book.NewCard:
    """Describe the card that takes the lost one's place."""
    return book.NewCard(vault.card_refs(NEW), Expiry("2912"), "4321", "1")


def everything(store: Store) -> list[Row]:
    """Read all links."""
    return store.rows("SELECT * FROM cards ORDER BY pan_digest")


def fail(_held: book.CardRecord) -> None:
    """Stand for an audit that cannot be written."""
    raise Refused("no audit")


def test_blocked_card_is_found_as_blocked(linked: Store, vault: Vault) -> None:
    """
    A block stands until it is lifted, and lifting tells whether there was one.
    """
    refs = vault.card_refs(LOST)

    book.block(linked, refs, TODAY)
    blocked = book.card_record(linked, refs)[1].status
    lifted = [book.unblock(linked, refs) for _ in range(2)]

    assert CardStatus.BLOCKED is blocked
    assert [(True, 0), (False, 0)] == lifted


def test_consent_keeps_its_evidence(linked: Store, vault: Vault) -> None:
    """
    What proves consent, or its withdrawal, stands beside its day.
    """
    refs = vault.card_refs(LOST)

    book.withdraw_consent(linked, refs, TODAY, "letter of 29 June")
    gone = book.card_record(linked, refs)[1]
    book.give_consent(linked, refs, TODAY, " form 2026/118 ")
    given = book.card_record(linked, refs)[1]

    assert (None, TODAY, "letter of 29 June") == (
        gone.consent_on,
        gone.withdrawn_on,
        gone.consent_evidence,
    )
    assert (TODAY, None, "form 2026/118") == (
        given.consent_on,
        given.withdrawn_on,
        given.consent_evidence,
    )


@pytest.mark.parametrize("evidence", ["", "  ", "x" * 201, "two\nlines"])
def test_consent_needs_evidence(linked: Store, vault: Vault, evidence: str) -> None:
    """
    Without something that proves it, consent is not recorded.
    """
    with pytest.raises(Refused, match="evidence is 1 to 200"):
        book.give_consent(linked, vault.card_refs(LOST), TODAY, evidence)


def test_replacement_takes_over_what_was_agreed(linked: Store, vault: Vault) -> None:
    """
    The new card leads to the same KPJ under the same consent; the lost one stays blocked.
    """
    new = new_card(vault)

    kpj = book.replace(linked, vault.card_refs(LOST), new, TODAY)

    lost = book.card_record(linked, vault.card_refs(LOST))[1]
    found = book.card_record(linked, vault.card_refs(NEW))[1]
    assert (KPJ, CardStatus.BLOCKED, TODAY) == (kpj, lost.status, lost.replaced_on)
    assert (KPJ, date(2025, 1, 2), TODAY) == (found.kpj, found.consent_on, found.linked_on)
    with pytest.raises(Refused, match="stays blocked"):
        book.unblock(linked, vault.card_refs(LOST))
    with pytest.raises(Refused, match="replaced before"):
        book.replace(linked, vault.card_refs(LOST), new, TODAY)


def test_unlinked_card_can_do_nothing(linked: Store, vault: Vault) -> None:
    """
    After it is unlinked a card is not blocked, replaced or unlinked again.
    """
    refs = vault.card_refs(LOST)
    book.unlink(linked, refs, TODAY)

    with pytest.raises(Refused, match="was unlinked on 2026-06-30"):
        book.block(linked, refs, TODAY)
    with pytest.raises(Refused, match="was unlinked on 2026-06-30"):
        book.unlink(linked, refs, TODAY)
    with pytest.raises(Refused, match="was unlinked on 2026-06-30"):
        book.give_consent(linked, refs, TODAY, "form")


def test_card_nobody_linked_is_named_so(linked: Store, vault: Vault) -> None:
    """
    An unknown card is refused with the command that links one.
    """
    with pytest.raises(Refused, match="atm-switch cards link"):
        book.block(linked, vault.card_refs(STRANGER), TODAY)


@pytest.mark.parametrize("newest", [True, False])
def test_card_linked_under_any_key_replaces_none(
    linked: Store, vault: Vault, *, newest: bool
) -> None:
    """
    During a change of the card key a card that is linked, under the old key or the new, is
    refused as a replacement, and the change comes to its end.
    """
    newer = vault.with_card_layer(Key(bytes(range(32))))
    link(linked, (newer if newest else vault).card_ref(NEW))

    with pytest.raises(Refused, match="the new card is linked already; nothing was changed"):
        book.replace(linked, newer.card_refs(LOST), new_card(newer), TODAY)
    with pytest.raises(Refused, match="both numbers are the same card"):
        book.replace(linked, newer.card_refs(NEW), new_card(newer), TODAY)

    assert (1 if newest else 2) == move_cards(linked, newer, lambda _moved: None)
    assert CardStatus.ACTIVE is book.card_record(linked, newer.card_refs(LOST))[1].status


@pytest.mark.parametrize(
    "act",
    [
        lambda store, vault: book.block(store, vault.card_refs(LOST), TODAY, fail),
        lambda store, vault: book.unlink(store, vault.card_refs(LOST), TODAY, fail),
        lambda store, vault: book.forget(store, vault.card_refs(STRANGER), fail),
        lambda store, vault: book.give_consent(store, vault.card_refs(LOST), TODAY, "f", fail),
        lambda store, vault: book.withdraw_consent(store, vault.card_refs(LOST), TODAY, "f", fail),
        lambda store, vault: book.replace(
            store, vault.card_refs(LOST), new_card(vault), TODAY, fail
        ),
    ],
)
def test_what_the_audit_does_not_hear_is_not_done(
    linked: Store, vault: Vault, act: Callable[[Store, Vault], object]
) -> None:
    """
    Whatever an officer does is undone where its record cannot be written.
    """
    link(linked, vault.card_ref(STRANGER))
    book.unlink(linked, vault.card_refs(STRANGER), TODAY)
    before = everything(linked)

    with pytest.raises(Refused, match="no audit"):
        act(linked, vault)

    assert before == everything(linked)


def test_block_stands_where_its_tries_cannot_be_cleared(linked: Store, vault: Vault) -> None:
    """
    A block is lifted with its record or not at all; what cleared the tries is told.
    """
    refs = vault.card_refs(LOST)
    book.block(linked, refs, TODAY)

    def away() -> int:
        raise Refused("no audit")

    for card in (refs, vault.card_refs(STRANGER)):
        with pytest.raises(Refused, match="no audit"):
            book.unblock(linked, card, away)
    kept = book.card_record(linked, refs)[1].status

    assert CardStatus.BLOCKED is kept
    assert (True, 3) == book.unblock(linked, refs, lambda: 3)
    assert (False, 2) == book.unblock(linked, vault.card_refs(STRANGER), lambda: 2)
