"""The switch's neighbours in dictionaries: registry, ledger, journal, key file, HSM."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from atm_switch.adapters.software_hsm import SoftwareHsm
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import LinkedCard, Participant
from atm_switch.domain.statement import AccountHistory
from atm_switch.security.key_ring import LineKey
from atm_switch.security.key_rules import is_still, ladder_before
from atm_switch.security.vault import Vault
from atm_switch.switch.hsm_port import (
    CheckMac,
    ImportKey,
    KeyRefused,
    MakeMac,
    MintedKey,
    MintKey,
    PinVerdict,
    VerifyPin,
)
from atm_switch.switch.late_keys import LookAtKeys
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    FindAccount,
    FindCard,
    FindRepeat,
    FindSiblings,
    KeepBusinessDate,
    KeepCommand,
    KeepKeys,
    KeepRecord,
    ProveWriting,
    RepeatKey,
    Reservation,
    Reserve,
    StoredResponse,
)
from atm_switch.switch.untold import ToldAgain, Untold


class CountedEntropy:
    """Chance that is the same in every run."""

    def __init__(self) -> None:
        """Start at the beginning."""
        self._drawn = 0

    def __call__(self, count: int) -> bytes:
        """Return ``count`` bytes, never the same twice."""
        self._drawn += 1
        return bytes(
            (self._drawn * 37 + at * 11 + at * at * self._drawn) % 256 for at in range(count)
        )


@dataclass
class Memory:
    """Registry, ledger, journal and HSM in dictionaries."""

    vault: Vault
    """The keys as they are on disk."""
    hsm: SoftwareHsm = field(default_factory=lambda: SoftwareHsm(CountedEntropy()))
    records: list[AuditRecord] = field(default_factory=list)
    cards: dict[bytes, LinkedCard] = field(default_factory=dict)
    persons: dict[Kpj, Participant] = field(default_factory=dict)
    histories: dict[Kpj, Callable[[date], AccountHistory]] = field(default_factory=dict)
    merged: set[Kpj] = field(default_factory=set)
    """Those that stand no more."""
    rows: list[Any] = field(default_factory=list)
    tries: dict[bytes, int] = field(default_factory=dict)
    stored: dict[RepeatKey, tuple[datetime, StoredResponse]] = field(default_factory=dict)
    untold: dict[RepeatKey, str] = field(default_factory=dict)
    commands: list[KeepCommand] = field(default_factory=list)
    verifications: int = 0
    asked: list[Any] = field(default_factory=list)
    is_shared: bool = False
    """Others answer from the same journal: then the first answer and the first command count."""
    take_up: Callable[[], None] = lambda: None
    """Has the switch work with the keys as another machine left them."""
    faults: dict[type, Any] = field(default_factory=dict)
    """What a kind of question is answered with instead."""

    def answer(self, question: Any) -> Any:
        """Answer one question, or return the exception it meets."""
        if not isinstance(question, KeepRecord):
            self.asked.append(question)  # records are in ``records``
        if type(question) in self.faults:
            return self.faults[type(question)]
        try:
            return getattr(self, f"_{type(question).__name__}")(question)
        except (NeighbourUnavailable, KeyRefused) as away:
            return away

    def _FindRepeat(self, question: FindRepeat) -> StoredResponse | None:  # noqa: N802
        at, stored = self.stored.get(question.key, (question.since, None))
        return stored if at >= question.since else None

    def _FindCard(self, question: FindCard) -> LinkedCard | None:  # noqa: N802
        refs = (question.ref, *question.former)
        return next((self.cards[ref.digest] for ref in refs if ref.digest in self.cards), None)

    def _Reserve(self, question: Reserve) -> Reservation:  # noqa: N802
        assert question.entry.card is not None
        self.rows.append(question)
        digest = question.entry.card.digest
        for former in question.former:
            if former.digest != digest:
                carried = self.tries.pop(former.digest, 0)
                self.tries[digest] = self.tries.get(digest, 0) + carried
        used = self.tries.get(digest, 0)
        granted = used < question.tries_max
        self.tries[digest] = used + granted
        return Reservation(len(self.rows), self.tries[digest], granted)

    def _VerifyPin(self, question: VerifyPin) -> PinVerdict:  # noqa: N802
        self.verifications += 1
        return self.hsm.verify_pin(question)

    def _CheckMac(self, question: CheckMac) -> int | None:  # noqa: N802
        return self.hsm.check_mac(question)

    def _MakeMac(self, question: MakeMac) -> bytes:  # noqa: N802
        return self.hsm.make_mac(question)

    def _ImportKey(self, question: ImportKey) -> LineKey:  # noqa: N802
        return self.hsm.import_key(question)

    def _MintKey(self, question: MintKey) -> MintedKey:  # noqa: N802
        return self.hsm.mint_key(question)

    def _KeepKeys(self, question: KeepKeys) -> None:  # noqa: N802
        if not is_still(ladder_before(question.name, self.vault), question.replaces):
            raise NeighbourUnavailable("the key file was changed meanwhile")
        self.vault = self.vault.with_ladder(question.name, question.ladder)

    def _LookAtKeys(self, _question: LookAtKeys) -> None:  # noqa: N802
        self.take_up()

    def _ProveWriting(self, _question: ProveWriting) -> None:  # noqa: N802
        """Nothing is to be kept."""

    def _KeepRecord(self, question: KeepRecord) -> None:  # noqa: N802
        self.records.append(question.record)

    def _FindSiblings(self, question: FindSiblings) -> tuple[Kpj, ...]:  # noqa: N802
        me = self.persons.get(question.kpj)
        if me is None:
            return ()
        return tuple(sorted(self._standing(me), key=lambda kpj: (kpj != me.kpj, kpj)))

    def _standing(self, one: Participant) -> list[Kpj]:
        same = [kpj for kpj, other in self.persons.items() if other.person == one.person]
        return [kpj for kpj in same if kpj not in self.merged] if self.merged else same

    def _FindAccount(self, question: FindAccount) -> Any:  # noqa: N802
        me = self.persons.get(question.kpj)
        if me is None:
            return None
        count = 0 if me.kpj in self.merged else len(self._standing(me))
        person = me if count == me.kpj_count else replace(me, kpj_count=count)
        return person, self.histories[question.kpj](question.as_of)

    def _Commit(self, question: Commit) -> StoredResponse | None:  # noqa: N802
        if self.is_shared and question.unless_since is not None:
            given = self._FindRepeat(FindRepeat(question.entry.key, question.unless_since))
            if given is not None:
                return given
        self.rows.append(question)
        entry, ending = question.entry, question.ending
        if ending.resets_tries and entry.card is not None:
            self.tries[entry.card.digest] = 0
        if ending.returned_try and entry.card is not None:
            self.tries[entry.card.digest] -= self.tries[entry.card.digest] >= ending.returned_try
        if ending.payload is not None:
            kept = StoredResponse(entry.fingerprint, ending.payload)
            self.stored[entry.key] = (entry.received_at, kept)
        return None

    def _Untold(self, question: Untold) -> None:  # noqa: N802
        self.untold[question.key] = question.why

    def _ToldAgain(self, question: ToldAgain) -> None:  # noqa: N802
        self.untold.pop(question.key, None)

    def _KeepCommand(self, question: KeepCommand) -> bool:  # noqa: N802
        known = [(one.acquirer, one.identity) for one in self.commands] if self.is_shared else []
        self.commands.append(question)
        return (question.acquirer, question.identity) not in known

    def _KeepBusinessDate(self, question: KeepBusinessDate) -> None:  # noqa: N802
        self.rows.append(question)
