"""A terminal's keys beside its bank's: no key the bank has replaced lives on in a terminal's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.lending import following, lent_by
from atm_switch.security.vault import Vault, fresh_line_key
from tests.doubles.memory import CountedEntropy

BANK = KeyName(KeyUsage.MAC, AcquirerId("009"))
TERMINAL = replace(BANK, terminal=TerminalId("S1ABC123"))
NOON = datetime(2026, 6, 30, 5, tzinfo=UTC)
OVERLAP = timedelta(seconds=300)
ENTROPY = CountedEntropy()
KEYS = [fresh_line_key("T", ENTROPY) for _ in range(16)]
FOLDER = Vault.fresh(ENTROPY)
STEPS = st.lists(
    st.tuples(
        st.sampled_from((BANK, TERMINAL)),
        st.sampled_from(("received", "offered", "heard", "heard", "withdrawn", "replaced")),
        st.integers(0, 3),
        st.sampled_from((0, 1, 200, 301)),
    ),
    min_size=4,
    max_size=12,
)


def checks(keys: tuple[LineKey, ...]) -> list[str]:
    """The check values of keys."""
    return [key.check for key in keys]


def candidates(vault: Vault, name: KeyName, now: datetime) -> tuple[LineKey, ...]:
    """The keys a message of that line may be under."""
    assert name.acquirer is not None
    found = vault.ladder(name.usage, name.acquirer, name.terminal)
    assert found is not None
    return found[1].candidates(now)


def step(vault: Vault, name: KeyName, what: str, fresh: LineKey, pick: int, now: datetime) -> Vault:
    """Do one thing to the keys of a name, as the switch and its officers do."""
    assert name.acquirer is not None
    found = vault.ladder(name.usage, name.acquirer, name.terminal)
    assert found is not None
    held = found[1]
    if what == "replaced":
        return vault.with_key(name, fresh)
    if what in ("received", "offered"):
        return vault.with_ladder(name, getattr(held, what)(fresh))
    if name not in vault.keys:
        return vault
    own = vault.keys[name]
    if what == "withdrawn":
        return vault.with_ladder(name, own.withdrawn())
    good = own.candidates(now)
    return vault.with_ladder(name, own.seen(good[pick % len(good)], now, OVERLAP))


@settings(max_examples=1_000)
@given(steps=STEPS)
@example(steps=[
    (BANK, "received", 0, 0), (TERMINAL, "received", 0, 0),
    (TERMINAL, "offered", 0, 0), (TERMINAL, "heard", 2, 0),
])  # fmt: skip
def test_no_terminal_keeps_what_its_bank_gave_up(
    steps: list[tuple[KeyName, str, int, int]],
) -> None:
    """Whatever happens in whatever order: what left the bank is on no terminal's ladder, what the
    bank takes no more is an overlap later good for none, and a terminal that waits for its own
    key may use every key of its bank.
    """
    vault, now = FOLDER.with_key(BANK, KEYS[0]), NOON
    of_bank = {KEYS[0].check}
    for number, (name, what, pick, seconds) in enumerate(steps):
        now += timedelta(seconds=seconds)
        vault = step(vault, name, what, KEYS[1 + number], pick, now)
        at_bank = set(checks(vault.keys[BANK].rungs))
        of_bank |= at_bank

        own = vault.keys.get(TERMINAL, vault.keys[BANK])
        assert set() == (set(checks(own.rungs)) & of_bank) - at_bank

        later = now + OVERLAP
        good_at_bank = set(checks(candidates(vault, BANK, later)))
        good_at_terminal = set(checks(candidates(vault, TERMINAL, later)))

        assert set() == (good_at_terminal & of_bank) - good_at_bank
        if own.in_use.check in of_bank:
            assert good_at_bank <= good_at_terminal


def test_waiting_terminal_moves_to_the_banks_new_key() -> None:
    """The offered key stays on its way; what it was to take the place of is the bank's new one."""
    old, new, own = KEYS[:3]
    bank = Ladder(old).received(new)

    after = following(Ladder(old).offered(own), Ladder(old), bank)

    assert after.is_coming
    assert [new.check, own.check] == checks(after.rungs)
    assert (old.check,) == after.past
    assert [new.check, own.check, old.check] == checks(lent_by(bank, after).candidates(NOON))


def test_terminal_at_its_own_key_is_lent_nothing() -> None:
    """Once it was heard under its own key the bank's next one is none of its affair."""
    old, new, own = KEYS[:3]
    terminal = Ladder(old).offered(own)
    assert terminal.other is not None
    terminal = terminal.seen(terminal.other, NOON, OVERLAP)
    bank = Ladder(old).received(new)

    after = following(terminal, Ladder(old), bank)

    assert after is terminal
    assert after is lent_by(bank, after)


def test_lent_keys_are_never_stored() -> None:
    """What is kept of a terminal are its own keys; a reading of the key file lends them anew."""
    old, new, own = KEYS[:3]
    vault = FOLDER.with_key(BANK, old).with_ladder(TERMINAL, Ladder(old).offered(own))
    vault = vault.with_ladder(BANK, Ladder(old).received(new))
    lent = vault.ladder(KeyUsage.MAC, AcquirerId("009"), TERMINAL.terminal)
    assert lent is not None

    vault = vault.with_ladder(TERMINAL, lent[1])

    assert vault.keys[TERMINAL].lender is None
    again = Vault.from_document(vault.to_document())
    assert checks(candidates(vault, TERMINAL, NOON)) == checks(candidates(again, TERMINAL, NOON))
