"""What all links share: policy, keys, rates, and what is under way right now."""

from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any

from atm_switch.domain.accrual import RateTable
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.security.key_ring import KeyName
from atm_switch.security.vault import Vault
from atm_switch.switch.accepted import Accepted
from atm_switch.switch.case import Case
from atm_switch.switch.effects import Note, Ticket
from atm_switch.switch.frequency import Frequency
from atm_switch.switch.journal_gate import JournalGate
from atm_switch.switch.late_keys import KeyLooks, LateKeys
from atm_switch.switch.policy import SwitchPolicy
from atm_switch.switch.ports import Ask, KeepKeys, RepeatKey
from atm_switch.switch.throttle import Throttle
from atm_switch.switch.unwritten import Unwritten

HOUR, MINUTE = 3600.0, 60.0
HOST_SEQUENCE_MAX = 1_000_000
HOST_BLOCK = 10_000
"""Host references given out together to one of several processes on one journal."""
STAN_MAX = 999_999
KEY_REQUESTS_PER_MINUTE = 6
"""Deliveries one bank or terminal may ask for (161); each rewrites the key file."""
OFFER_SECONDS = 10.0
"""How long a key that was offered stays before a later offer may push it off its ladder."""


@dataclass(slots=True)
class Flight:
    """One transaction under way and the requests that wait for its response."""

    fingerprint: bytes
    waiting: list[Case] = field(default_factory=list)


@dataclass(slots=True)
class House:
    """The shared state of the core."""

    policy: SwitchPolicy
    vault: Vault = field(repr=False)
    rates: RateTable
    host_sequence: int
    """The last number given out; the next start goes on from the journal's."""
    host_blocks: list[int] = field(default_factory=list)
    """Numbers of the blocks to go on with, where the journal is shared."""
    business_dates: dict[AcquirerId, date] = field(default_factory=dict)
    """Set by cut-over (0800 with DE70 201); otherwise the day in Jakarta."""
    changing_keys: set[KeyName] = field(default_factory=set)
    """Keys being taken or delivered right now; one change of a key at a time."""
    offered_at: dict[KeyName, float] = field(default_factory=dict)
    """When the latest key of a name was offered.  Monotonic seconds."""
    own_stan: int = 0
    """The last number given out; it starts anywhere, so that no answer recorded earlier fits."""
    accepted: Accepted = field(default_factory=Accepted)
    refusals: Throttle = field(default_factory=Throttle)
    """MACs refused, for the audit."""
    key_request_frequency: Frequency = field(init=False)
    has_shared_keys: bool = False
    """Whether other machines change the keys, and news of that may be late or lost."""
    key_looks: KeyLooks = field(default_factory=KeyLooks)
    flights: dict[RepeatKey, Flight] = field(default_factory=dict)
    unwritten: Unwritten = field(default_factory=Unwritten)
    late_keys: LateKeys = field(default_factory=LateKeys)
    journal: JournalGate = field(default_factory=JournalGate)
    card_frequency: Frequency = field(init=False)
    terminal_frequency: Frequency = field(init=False)

    def __post_init__(self) -> None:
        """Start the counters the policy asks for."""
        self.key_request_frequency = Frequency(KEY_REQUESTS_PER_MINUTE, MINUTE)
        self.card_frequency = Frequency(self.policy.inquiries_per_card_per_hour, HOUR)
        self.terminal_frequency = Frequency(self.policy.inquiries_per_terminal_per_minute, MINUTE)

    def take_limits(self, policy: SwitchPolicy) -> None:
        """Use the limits of another policy from now on; banks and terminals stay."""
        before = self.policy
        self.policy = replace(
            before,
            bad_frames_per_minute=policy.bad_frames_per_minute,
            inquiries_per_card_per_hour=policy.inquiries_per_card_per_hour,
            inquiries_per_terminal_per_minute=policy.inquiries_per_terminal_per_minute,
            in_flight_max=policy.in_flight_max,
            in_flight_per_terminal_max=policy.in_flight_per_terminal_max,
            echo_idle_seconds=policy.echo_idle_seconds,
            echo_answer_seconds=policy.echo_answer_seconds,
        )
        # A limit that stays goes on counting: SIGHUP gives nobody tries anew.
        if before.inquiries_per_card_per_hour != policy.inquiries_per_card_per_hour:
            self.card_frequency = Frequency(policy.inquiries_per_card_per_hour, HOUR)
        if before.inquiries_per_terminal_per_minute != policy.inquiries_per_terminal_per_minute:
            self.terminal_frequency = Frequency(policy.inquiries_per_terminal_per_minute, MINUTE)

    def count_offer(self, name: KeyName, now: float) -> None:
        """Count one offer of a key.  Raises ``NeighbourUnavailable`` where it is one too many.

        A ladder holds two keys beside the one in use: one more pushes the first of them off,
        which the peer may be about to take.
        Limits: what another process offered just now is not known here.
        """
        held = self.vault.keys.get(name)
        is_full = held is not None and held.is_coming and held.spare is not None
        if is_full and now < self.offered_at.get(name, now - OFFER_SECONDS) + OFFER_SECONDS:
            raise NeighbourUnavailable("two keys are on their way to the peer")
        self.offered_at[name] = now

    def given_up(self, ticket: Ticket, question: Ask[Any] | None, case: Case) -> None:
        """Hear that a question of a request is given up: what comes of it counts all the same."""
        self.unwritten.given_up(ticket, question, case)
        if isinstance(question, KeepKeys):
            self.late_keys.asked(ticket, question)

    def heard_late(self, ticket: Ticket, answer: object) -> list[Note]:
        """Hear an answer that no request waits for."""
        self.vault = self.late_keys.heard(ticket, answer, self.vault)
        return self.unwritten.heard(ticket, answer)

    def business_date(self, acquirer: AcquirerId, today: date) -> date:
        """Return the day that counts for reconciliation with ``acquirer``."""
        if not self.business_dates:
            return today
        return max(today, self.business_dates.get(acquirer, today))

    def next_stan(self) -> str:
        """Count up our own STAN, 000001 to 999999 and round, for all links together."""
        self.own_stan = self.own_stan % STAN_MAX + 1
        return f"{self.own_stan:06d}"

    def next_host_reference(self, today: date) -> str:
        """Give out a host reference, ``J`` YY DDD and six digits (golden DE48, domain.md 6)."""
        self.host_sequence = (self.host_sequence + 1) % HOST_SEQUENCE_MAX
        if self.host_blocks and self.host_sequence % HOST_BLOCK == 0:
            self.host_sequence = self.host_blocks.pop(0) * HOST_BLOCK
        return f"{_year_and_day(today)}{f'{self.host_sequence}'.zfill(6)}"


@lru_cache(maxsize=2)
def _year_and_day(day: date) -> str:
    return f"J{day:%y%j}"
