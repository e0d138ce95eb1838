"""One event of every kind and form there is, made as the switch makes them."""

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_doubts import SettleDoubts
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.outcome import Outcome
from atm_switch.security.key_ring import KeyName, KeyUsage
from atm_switch.switch.crowd import SURPLUS
from atm_switch.switch.effects import Note
from atm_switch.switch.event import Announce
from atm_switch.switch.fleet import OVERLOAD_QUIET_SECONDS, FleetWatch
from atm_switch.switch.notes import unsent
from atm_switch.switch.ports import AuditRecord, Commit, KeepRecord, Reserve
from tests.doubles.journal_bench import ending_of, entry_of

SILENCE_SECONDS = 60.0
SWITCH = "switch"
REFUSED_ROWS = (
    Outcome.DUPLICATE,
    Outcome.MAC_WRONG,
    Outcome.PIN_TRIES_EXCEEDED,
    Outcome.TERMINAL_NOT_LISTED,
    Outcome.ACQUIRER_NOT_ALLOWED,
)

BANK, PEER, OFFICER = AcquirerId("009"), "10.0.0.1:4001", "user root (uid 0)"
OF_TERMINAL = KeyName(KeyUsage.PIN, BANK, TerminalId("S1ABC123"))
RECORDS = (
    AuditRecord("start", "switch", "bank", "mode lab, software HSM"),
    AuditRecord("configuration", "switch", "switch.toml", "sha256 0123456789abcdef"),
    AuditRecord("sign-on", PEER, f"acquirer {BANK}"),
    AuditRecord("key change", PEER, str(KeyName(KeyUsage.MAC, BANK)), "received"),
    AuditRecord("key change", PEER, str(OF_TERMINAL), "received"),
    AuditRecord("key change", OFFICER, str(KeyName(KeyUsage.EXCHANGE, BANK)), "drawn"),
    AuditRecord("key change", OFFICER, str(KeyName(KeyUsage.PVK, index="1")), "drawn"),
    AuditRecord("key change", OFFICER, "card key", "drawn"),
    AuditRecord("key refused", PEER, str(KeyName(KeyUsage.PIN, BANK)), "the key is weak"),
    AuditRecord("mac refused", PEER, f"acquirer {BANK}", "the MAC is wrong; 1 within a minute"),
    AuditRecord("peer refused", PEER, "connection turned away", "too many connections; 1 so far"),
    AuditRecord("command", OFFICER, "acquirer 014", "added, pin issuer, mac required"),
    AuditRecord("sign-off", PEER, f"acquirer {BANK}"),
    AuditRecord("stop", "switch", "bank"),
)
"""Records of the audit with the subjects that the product writes."""


def transaction_note(
    outcome: str = "approved", terminal: str = "ATM00001", reason: str = ""
) -> Note:
    """Return what the core notes of an inquiry."""
    fields = {"acquirer": "009", "terminal": terminal, "outcome": outcome, "de39": "00"}
    return Note("transaction", {**fields, **({"reason": reason} if reason else {})})


def sign_on_refused() -> Note:
    """Return what the core notes of a sign-on with another bank's certificate."""
    reason = "the certificate is not one of this bank's"
    fields = {"acquirer": "009", "outcome": "acquirer_not_allowed", "de39": "31", "reason": reason}
    return Note("sign-on", fields)


def hung_up_on(event: str = "framing broken", acquirer: str = "009") -> Note:
    """Return what is noted of a link that is hung up on for what came over it."""
    whose = {"link": 1, "peer": PEER, "acquirer": acquirer}
    return Note(event, {**whose, "reason": "length 65535 is impossible"}, is_alarm=True)


def announcements() -> list[Announce]:
    """Return every event that no row stands for."""
    fleet = FleetWatch(SWITCH, SILENCE_SECONDS)
    return [
        *fleet.heard(transaction_note(), 0.0),
        *fleet.heard(transaction_note("ledger_unavailable", "", SURPLUS), 1.0),
        *fleet.heard(sign_on_refused(), 2.0),
        *fleet.heard(hung_up_on(), 2.0),
        *fleet.heard(unsent(transaction_note(), is_late=False), 0.0),
        *fleet.tick(1.0 + OVERLOAD_QUIET_SECONDS),
        *fleet.tick(SILENCE_SECONDS),
    ]


def questions() -> list[JournalQuestion]:
    """Return what the journal is asked so that each kind of event is written."""
    outcomes = (Outcome.APPROVED, *REFUSED_ROWS)
    return [
        *(Commit(entry_of(at), ending_of(outcome=one), None) for at, one in enumerate(outcomes)),
        *map(KeepRecord, RECORDS),
        Reserve(entry_of(len(outcomes)), 3),
        SettleDoubts(1_000),
        *announcements(),
    ]
