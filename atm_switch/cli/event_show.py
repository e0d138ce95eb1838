"""Events for the terminal: each once, as a line or as JSON.

Plan: an event comes from the broker or from the outbox, and from both where one is left for the
other; the newest ones are known by their ids, all earlier ones of this switch by their
sequence, which the broker keeps in order.
"""

import json
from collections.abc import Iterable
from typing import Any

IDS_KEPT = 5_000
TERMINAL_WIDTH = 9


class EventShow:
    """Prints events that are wanted; ``switch`` is ours by name, others may use the broker too."""

    def __init__(self, switch: str, acquirer: str = "", *, as_json: bool) -> None:
        """Show those of one acquirer, or of all."""
        self._switch = switch
        self._acquirer = acquirer
        self._as_json = as_json
        self._seen: dict[str, None] = {}
        self._left_out = 0
        self.newest = 0
        """The highest sequence of this switch's events so far."""

    def leave_out_what_was_told(self) -> None:
        """From now on pass over every event up to the newest: they are read once more."""
        self._left_out = self.newest

    def __call__(self, payloads: Iterable[bytes]) -> None:
        """Show those not shown before."""
        for payload in payloads:
            told = read_event(payload)
            if told is None or not self._is_new(told):
                continue
            if self._acquirer in ("", told["acquirer"]):
                print(json.dumps(told) if self._as_json else _line(told), flush=True)

    def _is_new(self, told: dict[str, Any]) -> bool:
        if told["event_id"] in self._seen:
            return False
        self._seen[told["event_id"]] = None
        if len(self._seen) > IDS_KEPT:
            del self._seen[next(iter(self._seen))]
        sequence = told.get("sequence")
        if told.get("switch") != self._switch or not isinstance(sequence, int) or not sequence:
            return True
        self.newest = max(self.newest, sequence)
        return sequence > self._left_out


def read_event(payload: bytes) -> dict[str, Any] | None:
    """Read one payload; ``None`` for what is no event, for anybody may publish at a broker."""
    try:
        told = json.loads(payload)
        is_event = isinstance(told[told["kind"]], dict) and isinstance(told["event_id"], str)
    except (ValueError, KeyError, TypeError):
        return None
    wanted = ("at", "acquirer", "terminal", "kind")
    return told if is_event and all(isinstance(told.get(key), str) for key in wanted) else None


def _line(told: dict[str, Any]) -> str:
    from datetime import datetime

    from atm_switch.adapters.audit_rows import harmless
    from atm_switch.domain.instant import Zone

    try:
        local = datetime.fromisoformat(told["at"]).astimezone(Zone.WIB.tzinfo)
        at = f"{local:%Y-%m-%d %H:%M:%S}"
    except ValueError:
        at = "????-??-?? ??:??:??"
    body = told[told["kind"]]
    order = ("what", "state", "de39", "outcome", "card", "kpj", "subject", "peer", "reason")
    said = "  ".join(str(body[name]) for name in order if body.get(name))
    who = f"{told['acquirer'] or '-':8} {told['terminal'] or '-':{TERMINAL_WIDTH}}"
    return harmless(f"{at}  {told['kind']:11} {who} {said}")
