"""The five areas whose tests are themselves tested: their sources, and their quick tests.

What may not be wrong unseen: the codec, the crypto, what decides whether a request passes (the
policy: its doors, sessions, keys and limits, not the wording of an answer), the journal and the
outbox.  Each area is measured by its own tests alone, so that nothing counts as tested because
something far away happened to run through it.  Tests that start processes or wait for servers
are left to ``make test``: these run thousands of times.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Area:
    """Some sources and the quick tests that answer for them; patterns from the root on."""

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self) -> list[str]:
        """Name the sources one by one.  Raises ``ValueError`` for a pattern of nothing."""
        return _named(self.sources)

    def test_files(self) -> list[str]:
        """Name the tests one by one.  Raises ``ValueError`` for a pattern of nothing."""
        return _named(self.tests)


def _named(patterns: tuple[str, ...]) -> list[str]:
    named: set[str] = set()
    for pattern in patterns:
        found = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
        if not found:
            raise ValueError(f"there is no {pattern}: has it moved?")
        named |= found
    return sorted(named)


AREAS = {
    area.name: area
    for area in (
        Area(
            "codec",
            ("atm_switch/wire/*.py",),
            (
                "tests/unit/wire/test_*.py",
                "tests/properties/test_framing.py",
                "tests/properties/test_packager.py",
                "tests/vectors/test_by_hand.py",
            ),
        ),
        Area(
            "policy",
            (
                "atm_switch/switch/accepted.py",
                "atm_switch/switch/authentication.py",
                "atm_switch/switch/balance_inquiry.py",
                "atm_switch/switch/breaker.py",
                "atm_switch/switch/case.py",
                "atm_switch/switch/crowd.py",
                "atm_switch/switch/doors.py",
                "atm_switch/switch/freshness.py",
                "atm_switch/switch/frequency.py",
                "atm_switch/switch/house.py",
                "atm_switch/switch/inner_doors.py",
                "atm_switch/switch/journal_gate.py",
                "atm_switch/switch/key_exchange.py",
                "atm_switch/switch/keys_seen.py",
                "atm_switch/switch/late_keys.py",
                "atm_switch/switch/ledger_gate.py",
                "atm_switch/switch/network_management.py",
                "atm_switch/switch/once.py",
                "atm_switch/switch/own_echo.py",
                "atm_switch/switch/own_request.py",
                "atm_switch/switch/own_sign_off.py",
                "atm_switch/switch/own_sign_on.py",
                "atm_switch/switch/own_word.py",
                "atm_switch/switch/policy.py",
                "atm_switch/switch/refusals.py",
                "atm_switch/switch/retries.py",
                "atm_switch/switch/reversal.py",
                "atm_switch/switch/rounds.py",
                "atm_switch/switch/session.py",
                "atm_switch/switch/switch.py",
                "atm_switch/switch/throttle.py",
                "atm_switch/switch/turns.py",
                "atm_switch/switch/unwritten.py",
            ),
            ("tests/unit/switch/test_*.py",),
        ),
        Area(
            "crypto",
            ("atm_switch/security/*.py", "atm_switch/domain/secret.py"),
            (
                "tests/unit/security/test_*.py",
                "tests/unit/domain/test_secret.py",
                "tests/properties/test_key_block.py",
                "tests/properties/test_pin_formats.py",
                "tests/properties/test_security.py",
                "tests/vectors/test_vectors.py",
            ),
        ),
        Area(
            "journal",
            (
                "atm_switch/adapters/journal_*.py",
                "atm_switch/adapters/audit_*.py",
                "atm_switch/adapters/batch_writer.py",
                "atm_switch/adapters/remote_journal.py",
                "atm_switch/adapters/untold_rows.py",
            ),
            (
                "tests/adapters/test_journal_*.py",
                "tests/adapters/test_audit_*.py",
                "tests/adapters/test_batch_writer*.py",
                "tests/adapters/test_outbox.py",
                "tests/adapters/test_remote_journal.py",
                "tests/adapters/test_untold_rows.py",
                "tests/properties/test_journal_text.py",
            ),
        ),
        Area(
            "outbox",
            (
                "atm_switch/adapters/outbox_*.py",
                "atm_switch/adapters/mqtt_publisher.py",
                "atm_switch/publishing.py",
            ),
            (
                "tests/adapters/test_outbox*.py",
                "tests/adapters/test_mqtt_publisher*.py",
                "tests/adapters/test_publishing*.py",
            ),
        ),
    )
}
"""In the order of the doors a request goes through."""

SKIPPED = "not postgres"
"""Left out where mutants are tried: each would wait for a PostgreSQL of its own."""
