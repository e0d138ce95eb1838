"""Changes of keys whose request does not wait for them, or no more: what comes of them counts.

Why: a change is never withdrawn.  One that was waited for too long is in the key file a moment
later, and every other process works with it then; the peer, told 96, may be at either key.  And
what a message tells by the key it came under is kept beside its request, which would wait for
the disk, or for a key store that hangs.
"""

from collections.abc import Hashable

from atm_switch.domain.value import value
from atm_switch.security.key_ring import KeyName, Ladder
from atm_switch.security.key_rules import is_still, ladder_before
from atm_switch.security.vault import Vault
from atm_switch.switch.effects import Ticket
from atm_switch.switch.frequency import Frequency
from atm_switch.switch.ports import Ask, KeepKeys

KEY_LOOK_SECONDS = 1.0
"""Between two looks at the shared keys for one usage of one bank."""
LOOKERS_MAX = 100
"""Messages of one bank that may wait together for one look."""


@value
class LookAtKeys(Ask[None]):
    """Take up keys that another machine changed, of which news may come late."""


class KeyLooks:
    """Who may look: a subject once in some seconds, and while it looks, some that come meanwhile.

    So whoever sends wrong MACs causes no more, and of messages that come together under a new key
    none is refused because another had it looked for.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._frequency = Frequency(1, KEY_LOOK_SECONDS)
        self._looking: dict[Hashable, int] = {}

    def begins(self, subject: Hashable, now: float) -> bool:
        """Tell whether a message about ``subject`` may look; who may says when it has ``ended``."""
        count = self._looking.get(subject, 0)
        if not self._frequency.admits(subject, now) and not 0 < count < LOOKERS_MAX:
            return False
        self._looking[subject] = count + 1
        return True

    def ended(self, subject: Hashable) -> None:
        """Hear that one has looked."""
        self._looking[subject] -= 1
        if not self._looking[subject]:
            del self._looking[subject]


class LateKeys:
    """By the ticket that the key file still has to answer."""

    def __init__(self) -> None:
        """Begin with none."""
        self._asked: dict[Ticket, KeepKeys] = {}

    def asked(self, ticket: Ticket, question: KeepKeys) -> None:
        """Note a change that no request waits for."""
        self._asked[ticket] = question

    def heard(self, ticket: Ticket, answer: object, vault: Vault) -> Vault:
        """Return the vault as it is now that a change is kept, or is not.

        What was in use before it could be kept is taken back where it could not.
        """
        question = self._asked.pop(ticket, None)
        if question is None:
            return vault
        name, before, after = question.name, question.replaces, question.ladder
        if not isinstance(answer, BaseException):
            return _put(vault, name, after, instead_of=before)
        if question.is_awaited or before is None:
            return vault
        return _put(vault, name, before, instead_of=after)


def _put(vault: Vault, name: KeyName, ladder: Ladder, *, instead_of: Ladder | None) -> Vault:
    """Put a ladder in another's place; the keys may have been read anew, or changed, meanwhile."""
    held = ladder_before(name, vault)
    return vault.with_ladder(name, ladder) if is_still(held, instead_of) else vault
