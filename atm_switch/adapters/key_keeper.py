"""Keeps changed keys on disk for the running switch: one thread, one change at a time.

Plan: a change is handed to the thread and answered with a future of the loop once the
sealed key file is on disk; sealing and syncing take milliseconds no loop may stand still.
Limits: one change rewrites the whole file; keys change rarely.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from atm_switch.domain.errors import NeighbourUnavailable, Refused
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import KeepKeys

ChangeKeys = Callable[[Callable[[Vault], Vault]], Vault]
"""Reads the vault, changes it and makes it durable.  Raises ``Refused``."""


class KeyKeeper:
    """Answers ``KeepKeys``."""

    def __init__(self, change_keys: ChangeKeys) -> None:
        """``change_keys`` does one change, whatever other processes do meanwhile."""
        self._change_keys = change_keys
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="key-keeper")

    def keep(self, question: KeepKeys) -> "asyncio.Future[None]":
        """Begin to keep; the future ends when it is on disk, or in ``NeighbourUnavailable``."""
        return asyncio.get_running_loop().run_in_executor(self._thread, self._keep, question)

    def close(self) -> None:
        """Finish what was begun."""
        self._thread.shutdown()

    def _keep(self, question: KeepKeys) -> None:
        try:
            self._change_keys(lambda vault: vault.with_ladder(question.name, question.ladder))
        except Refused as error:
            raise NeighbourUnavailable(str(error)) from None
