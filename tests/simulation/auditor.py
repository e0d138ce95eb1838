"""What must hold in every run: watched while it goes, and added up at its end.

Plan: the auditor believes nothing the switch says of itself.  It reads the journal's file after
each commit with a reader of its own, reads every frame that leaves and every frame that
arrives, and knows what the terminals meant.  A promise that is broken is a line in
``violations``; the run ends there.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.messages.authentication import covered_by_mac
from atm_switch.wire.message import IsoMessage
from tests.simulation.broker import Told
from tests.simulation.town import Town, amounts_of, calm_bench
from tests.simulation.words import Key, Said, key_of

UNJOURNALED = {"96", "63", "30", "12"}
"""DE39 of answers that may have no row: the journal was silent, or nothing was proven."""
PASSING = UNJOURNALED | {"58", "94", "91"}
"""DE39 that may be followed by another answer to the same request."""
TRIES_MAX = 3
OUTRUN = {"repeat of an answered request", "same key, other content"}
"""Why a row B says what another worker's answer makes of it, which was to the same request or to
another of its key: its try decided nothing, and is given back."""
READ_SECONDS_MAX = 60.0
ROWS_MAX = 1_000_000


@dataclass
class Auditor:
    """Everything that was seen."""

    town: Town
    violations: list[str] = field(default_factory=list)
    said: dict[tuple[Key, str], Said] = field(default_factory=dict)
    """By key and by DE22, the one element that altered requests differ in."""
    rows: list[JournalRow] = field(default_factory=list)
    acknowledged: int = 0
    """The last row the switch was told to be durable."""
    _by_key: dict[Key, dict[str, Said]] = field(default_factory=lambda: defaultdict(dict))
    losses: list[int] = field(default_factory=list)
    """How many rows there were each time that the process that writes them died, alone."""
    looks: Counter[bytes] = field(default_factory=Counter)
    """How often a PIN of each card was looked at."""
    counts: Counter[str] = field(default_factory=Counter)
    _codes: dict[Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    _answers: dict[tuple[Key, str], bytes] = field(default_factory=dict)
    _granted: Counter[bytes] = field(default_factory=Counter)

    def broken(self, promise: str) -> None:
        """Note a broken promise."""
        self.violations.append(promise)

    def must(self, promise: str, *, holds: bool) -> None:
        """Note a promise that does not hold."""
        if not holds:
            self.broken(promise)

    def says(self, said: Said) -> None:
        """Hear a terminal say something, or say it again."""
        self.said[said.key, said.content] = said
        self._by_key[said.key][said.content] = said

    # -- the journal's file

    def committed(self, reader: JournalReader) -> int:
        """Read what a commit added; return the newest row."""
        for row in reader.follow(len(self.rows), ROWS_MAX):
            self.must(
                f"row {row.seq} follows row {len(self.rows)}", holds=row.seq == len(self.rows) + 1
            )
            self.rows.append(row)
            self._entered(row)
        return len(self.rows)

    def _entered(self, row: JournalRow) -> None:
        self.must(f"row {row.seq} is of what somebody said", holds=_key_in(row) in self._by_key)
        if row.response_code:
            self._codes[_key_in(row)].add(row.response_code)
        if row.pin_granted and row.card_digest is not None:
            self._granted[row.card_digest] += 1

    def survived(self, path: Path) -> None:
        """Read a file that a crash left, before the switch opens it: nothing told is lost."""
        with JournalReader(path, READ_SECONDS_MAX) as reader:
            found = list(reader.follow(0, ROWS_MAX))
        kept = found[: self.acknowledged]
        self.must(
            f"{self.acknowledged} acknowledged rows survive a crash, {len(found)} are there",
            holds=[row.chain for row in kept]
            == [row.chain for row in self.rows[: self.acknowledged]],
        )
        self.rows.clear()
        self.losses = [loss for loss in self.losses if loss <= len(found)]
        self._codes.clear()
        self._granted.clear()
        for row in found:
            self.rows.append(row)
            self._entered(row)

    def looks_at_pin(self, digest: bytes) -> None:
        """Hear that a PIN of a card is looked at: a try was counted durably for it."""
        self.looks[digest] += 1
        self.must(
            "a PIN is looked at only after its try is durable",
            holds=self.looks[digest] <= self._granted[digest],
        )

    # -- the lines

    def leaving(self, answer: IsoMessage) -> None:
        """See an answer leave the switch: its row is on disk, and 00 was earned."""
        key, code = key_of(answer), answer[39]
        self.counts[f"answers {code}"] += 1
        journaled = code in UNJOURNALED or code in self._codes[key]
        self.must(f"answer {code} to {key} leaves after its row", holds=journaled)
        if code == "00":
            self.must(
                f"00 to {key} is an approval", holds=any(one.is_right for one in self.meant(key))
            )

    def meant(self, key: Key) -> list[Said]:
        """Return what was said under a key."""
        return list(self._by_key[key].values())

    def arrived(self, said: Said, answer: IsoMessage, payload: bytes, now: float) -> None:
        """See an answer arrive at whoever asked."""
        code = answer[39]
        if code == "00":
            versions = self.town.versions(said.holder, said.at, now)
            balances = [amounts_of(said.holder, version) for version in versions]
            self.must(f"{said.key} gets a balance of its member", holds=answer[54] in balances)
        has_amounts = 54 in answer
        self.must(
            f"{code} to {said.key} has a balance only if 00", holds=has_amounts == (code == "00")
        )
        if code in PASSING:
            return
        wire = covered_by_mac(payload, calm_bench().dialect.profile)
        before = self._answers.setdefault((said.key, said.content), wire)
        self.must(f"{said.key} gets the same answer again", holds=before == wire)

    # -- the end

    def add_up(self, path: Path, told: list[Told]) -> None:
        """Hold journal, PIN tries and events against each other after the last start."""
        vault = calm_bench().vault
        with JournalReader(path, READ_SECONDS_MAX) as reader:
            found = reader.verify(vault)
            self.must("the journal is sound", holds=found.is_sound)
            self.must("what was in doubt is ended at the start", holds=not found.in_doubt)
            self._add_up_tries(reader)
        self._add_up_rows()
        with OutboxReader(path, "switch", READ_SECONDS_MAX) as outbox:
            events = outbox.since(0, ROWS_MAX).events
        transactions = sum(event.kind.value == "transaction" for event in events)
        endings = sum(not row.is_reservation for row in self.rows)
        self.must(f"{endings} endings have {transactions} events", holds=endings == transactions)
        self._add_up_events({event.sequence: event.event_id for event in events}, told)
        self._add_up_endings(told)

    def _add_up_tries(self, reader: JournalReader) -> None:
        tries: Counter[bytes] = Counter()
        for row in self.rows:
            digest = row.card_digest
            if digest is None:
                continue
            if row.is_reservation:
                tries[digest] += row.pin_granted or 0
                self.must(f"row {row.seq} counts", holds=tries[digest] == row.pin_tries)
                self.must("no fourth try", holds=tries[digest] <= TRIES_MAX)
            elif row.resets_tries:
                tries[digest] = 0
            elif row.ref is not None and row.reason in OUTRUN:
                given = self.rows[row.ref - 1].pin_tries or 0
                tries[digest] -= tries[digest] >= given > 0
        for card in calm_bench().memory.cards.values():
            counted = reader.tries(card.ref)
            self.must("tries are as the rows say", holds=counted == tries[card.ref.digest])

    def _add_up_rows(self) -> None:
        kept: Counter[Key] = Counter()
        begun: Counter[Key] = Counter()
        doubtful: Counter[Key] = Counter()
        forgotten: Counter[Key] = Counter()
        ended = Counter(row.ref for row in self.rows if row.ref is not None)
        for row in self.rows:
            key = _key_in(row)
            kept[key] += row.response is not None
            doubtful[key] += row.outcome == IN_DOUBT
            forgotten[key] += self._is_outrun_by_loss(row)
            if row.is_reservation:
                begun[key] += 1
                self.must(f"row {row.seq} is ended once", holds=ended[row.seq] == 1)
        self.must("no primary is processed twice", holds=max(kept.values(), default=0) <= 1)
        for key, count in begun.items():
            self.must(
                f"{key} costs one PIN try, and one for each time it was cut off",
                holds=count <= doubtful[key] + forgotten[key] + 1,
            )
        self.counts["rows"] = len(self.rows)
        self.counts["in doubt"] = doubtful.total()

    def _is_outrun_by_loss(self, ending: JournalRow) -> bool:
        """Tell whether its request was begun anew as who writes had forgotten who was at work.

        Its worker lives on, and gives the try back.
        """
        begun = ending.ref
        if begun is None or ending.reason not in OUTRUN:
            return False
        return any(begun <= loss < ending.seq for loss in self.losses)

    def _add_up_events(self, outbox: dict[int, str], told: list[Told]) -> None:
        heard: dict[int, str] = {}
        for event in told:
            known = heard.setdefault(event.sequence, event.event_id)
            self.must("an event told again has its own id", holds=known == event.event_id)
        self.must("events come first in their order", holds=list(heard) == sorted(heard))
        self.must("every event is at the broker, and none is invented", holds=heard == outbox)
        self.must("ids are unique", holds=len(set(heard.values())) == len(heard))
        self.counts["events"] = len(heard)
        self.counts["events told again"] = len(told) - len(heard)

    def _add_up_endings(self, told: list[Told]) -> None:
        """Hold what subscribers were told against what was decided, inquiry by inquiry."""
        heard = {one.sequence: one.ending for one in told if one.kind == "transaction"}
        decided = Counter((row.rrn, row.outcome) for row in self.rows if not row.is_reservation)
        self.must("each outcome is told, as it was", holds=decided == Counter(heard.values()))


def _key_in(row: JournalRow) -> Key:
    return row.acquirer, row.terminal, row.stamp, row.stan, row.rrn
