"""Keeps changed keys on disk for the running switch: one thread, one change at a time.

Plan: a change is handed to the thread and answered with a future of the loop once the
sealed key file is on disk; sealing and syncing take milliseconds no loop may stand still.
Limits: one change rewrites the whole file; keys change rarely.
Why compare first: another process may have changed the same key since the switch read it,
and whole ladders written from memory would undo that without a word.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from atm_switch.domain.errors import NeighbourUnavailable, Refused
from atm_switch.security.key_ring import KeyName
from atm_switch.security.key_rules import is_still, ladder_before
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import KeepKeys

ChangeKeys = Callable[[Callable[[Vault], Vault]], Vault]
"""Reads the vault, changes it and makes it durable.  Raises ``Refused``."""


class ChangedMeanwhile(NeighbourUnavailable):
    """Somebody else changed the key that was to be changed."""


class KeyKeeper:
    """Answers ``KeepKeys``."""

    def __init__(
        self, change_keys: ChangeKeys, not_kept: Callable[[KeyName, NeighbourUnavailable], None]
    ) -> None:
        """``change_keys`` does one change, whatever other processes do meanwhile.

        ``not_kept`` is told, in the loop's thread and before the question is answered, of a
        key that was found changed by somebody else, or of which nobody knows whether the change
        is on disk: the file says what is in use.
        """
        self._change_keys = change_keys
        self._not_kept = not_kept
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="key-keeper")

    def keep(self, question: KeepKeys) -> "asyncio.Future[None]":
        """Begin to keep; the future ends when it is on disk, or in ``NeighbourUnavailable``."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._thread, self._keep, question, loop)

    def close(self) -> None:
        """Finish what was begun."""
        self._thread.shutdown()

    def _keep(self, question: KeepKeys, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._change_keys(lambda vault: _changed(vault, question))
        except ChangedMeanwhile as other:
            self._tell(loop, question.name, other)
            raise
        except Refused as error:
            doubtful = NeighbourUnavailable(str(error))
            self._tell(loop, question.name, doubtful)
            raise doubtful from None

    def _tell(
        self, loop: asyncio.AbstractEventLoop, name: KeyName, why: NeighbourUnavailable
    ) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody has keys in memory
            loop.call_soon_threadsafe(self._not_kept, name, why)


def _changed(vault: Vault, question: KeepKeys) -> Vault:
    # A terminal's first own key takes the place of its bank's: that must be the same as well.
    if not is_still(ladder_before(question.name, vault), question.replaces):
        raise ChangedMeanwhile("the key file was changed meanwhile")
    return vault.with_ladder(question.name, question.ladder)
