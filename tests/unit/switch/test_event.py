"""Events as they are written: their topics, their JSON, and what it never holds."""

import json
import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.switch.event import Event, EventKind, level, payload_of, topic_of

AT = datetime(2026, 6, 30, 5, 0, 0, 123_456, UTC)
PAN = "9990090000000012"


def event(
    kind: EventKind = EventKind.SECURITY, terminal: str = "S1ABC123", reason: str = ""
) -> Event:
    """Return an event of bank 009."""
    return Event(7, "ab" * 16, AT, kind, "009", terminal, {"reason": reason, "within": 2})


def test_topic_names_bank_terminal_and_kind() -> None:
    """A subscriber may choose by bank, by terminal and by kind."""
    assert "atm/009/S1ABC123/security" == topic_of(event(), "atm")
    assert "a/b/009/-/session" == topic_of(event(EventKind.SESSION, ""), "a/b")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8))
def test_level_is_safe_whatever_de41_holds(terminal: str) -> None:
    """No terminal makes a wildcard, another level or an empty one."""
    assert re.fullmatch(r"[0-9A-Za-z_.%-]+", level(terminal))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=8))
def test_two_terminals_never_share_a_level(terminal: str) -> None:
    """What is written as %XX can be read back: no other terminal gets the same topic."""
    back = re.sub("%(..)", lambda found: chr(int(found[1], 16)), level(terminal))

    assert terminal == back


def test_payload_is_an_envelope_and_a_body() -> None:
    """The body stands under its kind's name; the time is RFC 3339 in UTC."""
    told = json.loads(payload_of(event(reason="too late"), "bank-1"))

    assert {
        "version": 1,
        "event_id": "ab" * 16,
        "sequence": 7,
        "at": "2026-06-30T05:00:00.123456Z",
        "switch": "bank-1",
        "kind": "security",
        "acquirer": "009",
        "terminal": "S1ABC123",
        "security": {"reason": "too late", "within": 2},
    } == told


def test_equal_events_are_equal_bytes() -> None:
    """So that what is told again is what was told before."""
    assert payload_of(event(), "s") == payload_of(event(), "s")


@given(st.sampled_from([PAN, "12345678901", "9901011203859753", "0123456789ABCDEF"]), st.text())
def test_long_numbers_in_texts_are_starred(number: str, around: str) -> None:
    """A card, a KPJ, a NIK or a key that got into a text does not get out."""
    payload = payload_of(event(reason=f"{around} {number} {around}"), "s")

    assert number.encode() not in payload


def test_digest_of_the_settings_is_told() -> None:
    """As the audit shows it, for comparison; the same digits in another text are starred."""
    digest = "b004f69780fa8a33"
    told, starred = (
        payload_of(event(reason=f"{what} {digest}"), "s") for what in ("sha256", "key")
    )

    assert digest.encode() in told
    assert digest.encode() not in starred


def test_texts_of_a_body_are_cut() -> None:
    """A peer cannot make an event long."""
    assert 600 > len(payload_of(event(reason="x" * 10_000), "s"))


def test_only_states_are_retained() -> None:
    """What somebody wants to know later is kept by the broker; what happened is not."""
    assert [EventKind.STATUS] == [kind for kind in EventKind if event(kind).is_retained]
