"""What every card registry must do; run against the SQLite one.

A second adapter subclasses ``RegistryContract`` with fixtures ``registry`` and ``vault``;
it holds ``LINKS``.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Protocol

import pytest

from atm_switch.domain.card import Expiry, Pan
from atm_switch.domain.member import CardRef, CardStatus, LinkedCard
from atm_switch.domain.secret import Key
from atm_switch.ledger.registry_book import unlink
from atm_switch.ledger.store import Store
from atm_switch.ledger.store_postgres import PostgresStore
from atm_switch.ledger.store_sqlite import SqliteStore
from atm_switch.security.vault import Vault
from tests.doubles.ledger_bench import BUDI, OTHER_PAN, PAN, LedgerBench
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_bench import copy_ledger, waiting_reader

UNLINKED = "9990090000000087"
LINKS = f"{PAN},2812,12345678901,1234,1,active\n{OTHER_PAN},2405,12345678901,,,blocked\n"


class Registry(Protocol):
    """The port as a test sees it."""

    def card(self, ref: CardRef, former: tuple[CardRef, ...] = ()) -> LinkedCard | None:
        """The link behind a card, under this key or an older one."""


class RegistryContract:
    """The claims; a subclass has the fixtures ``registry`` and ``vault``."""

    def test_linked_card_comes_back_whole(self, registry: Registry, vault: Vault) -> None:
        """
        A link has KPJ, expiry, status, PVV, PVKI and the day of consent.
        """
        ref = vault.card_ref(Pan(PAN))

        expected = LinkedCard(
            ref=ref,
            kpj=BUDI,
            expiry=Expiry("2812"),
            status=CardStatus.ACTIVE,
            consent_on=date(2025, 6, 30),
            pvv="1234",
            pvki="1",
        )
        assert expected == registry.card(ref)

    def test_blocked_card_is_found_too(self, registry: Registry, vault: Vault) -> None:
        """
        A blocked card without PVV is found; what follows is the corridor's to say.
        """
        card = registry.card(vault.card_ref(Pan(OTHER_PAN)))

        assert card is not None
        assert (CardStatus.BLOCKED, "", "") == (card.status, card.pvv, card.pvki)

    def test_unlinked_card_is_not_found(self, registry: Registry, vault: Vault) -> None:
        """
        A card nobody linked has no link.
        """
        assert registry.card(vault.card_ref(Pan(UNLINKED))) is None

    def test_digest_of_another_key_finds_nothing(self, registry: Registry, vault: Vault) -> None:
        """
        A reference under another key is not mistaken for one of ours.
        """
        ref = vault.card_ref(Pan(PAN))

        assert registry.card(CardRef("another key", ref.digest)) is None
        assert registry.card(Vault.fresh(os.urandom).card_ref(Pan(PAN))) is None

    def test_card_under_an_older_key_is_found(self, registry: Registry, vault: Vault) -> None:
        """
        While the card key is being changed, a card not moved yet is found all the same.
        """
        newer = vault.with_card_layer(Key(bytes(range(32))))
        ref, *former = newer.card_refs(Pan(PAN))

        card = registry.card(ref, tuple(former))

        assert card is not None
        assert (ref, BUDI) == (card.ref, card.kpj)
        assert registry.card(ref) is None

    def test_unlinked_card_is_as_never_linked(
        self, registry: Registry, vault: Vault, store: Store
    ) -> None:
        """
        A card that was unlinked is not found, like one that nobody linked.
        """
        unlink(store, vault.card_refs(Pan(PAN)), date(2026, 1, 1))

        assert registry.card(vault.card_ref(Pan(PAN))) is None


class TestSqliteRegistry(RegistryContract):
    """The SQLite registry, filled by ``cards link``."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> LedgerBench:
        """Link the cards."""
        bench = LedgerBench(tmp_path)
        bench.participants()
        bench.cards(LINKS)
        return bench

    @pytest.fixture
    def vault(self, bench: LedgerBench) -> Vault:
        """The keys the cards were linked under."""
        return bench.vault

    @pytest.fixture
    def registry(self, bench: LedgerBench) -> Iterator[Registry]:
        """Open the file read-only."""
        sqlite = bench.registry()
        yield sqlite
        sqlite.close()

    @pytest.fixture
    def store(self, bench: LedgerBench) -> Iterator[Store]:
        """Open the same registry for writing."""
        with closing(SqliteStore(bench.path)) as store:
            yield store


class TestPostgresRegistry(RegistryContract):
    """The same registry on PostgreSQL, read in batches."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> LedgerBench:
        """Link the cards."""
        bench = LedgerBench(tmp_path)
        bench.participants()
        bench.cards(LINKS)
        return bench

    @pytest.fixture
    def vault(self, bench: LedgerBench) -> Vault:
        """The keys the cards were linked under."""
        return bench.vault

    @pytest.fixture
    def url(self, bench: LedgerBench, postgres: PostgresServer) -> str:
        """Copy them over."""
        url = postgres.database()
        copy_ledger(bench.path, url)
        return url

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        """Open the registry for writing."""
        with closing(PostgresStore(url)) as store:
            yield store

    @pytest.fixture
    def registry(self, url: str) -> Iterator[Registry]:
        """Open it for inquiries."""
        with waiting_reader(url) as reader:
            yield reader
