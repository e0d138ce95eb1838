"""What the process that writes the journal's file is told by whoever starts it.

Why: it would read the same in the settings, and reading them is two thirds of its start, for
which the switch waits.  So it knows what the other process goes by, also where the settings
were changed meanwhile.
Limits: no key is told; it opens the key file by itself.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from atm_switch.adapters import key_file
from atm_switch.security.vault import Vault
from atm_switch.server.log import Logger, make_logger

if TYPE_CHECKING:
    from atm_switch.folder import DataFolder

_PATHS: Final = ("root", "journal", "keys", "master")


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterOrders:
    """Where the files are, how much may wait, and how to log."""

    root: Path
    journal: Path
    keys: Path
    master: Path
    queue_max: int
    batch_max: int
    log_format: str
    log_level: str

    @classmethod
    def of(cls, folder: "DataFolder", log: Logger) -> Self:
        """Return what a folder's settings say; ``log`` knows the least that is logged by now."""
        journal = folder.settings.journal
        return cls(
            root=folder.root,
            journal=folder.journal,
            keys=folder.key_file,
            master=folder.master_file,
            queue_max=journal.queue_max,
            batch_max=journal.batch_max,
            log_format=folder.settings.log.format,
            log_level=log.level,
        )

    @classmethod
    def of_message(cls, told: dict[str, Any]) -> Self:
        """Read what ``to_message`` wrote."""
        return cls(**{**told, **{name: Path(told[name]) for name in _PATHS}})

    def to_message(self) -> dict[str, Any]:
        """Write it as a message between processes."""
        return {**asdict(self), **{name: str(getattr(self, name)) for name in _PATHS}}

    def vault(self) -> Vault:
        """Open the key file.  Raises ``Refused`` as ``key_file.load`` does."""
        return key_file.load(self.keys, self.master, key_file.credentials())

    def logger(self) -> Logger:
        """Make the log of the process."""
        return make_logger(self.log_format, self.log_level).of(process="journal writer")
