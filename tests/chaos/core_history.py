"""What the state machine did in a run that failed, step by step, as it happened.

Why: hypothesis tells the shortest history that fails each time it is played, and none of a failure
that does not come again; and what it tells is gone with the terminal.
Plan: each rule's call is written down; of the first run that fails the steps are kept, with what
failed, and all is put in a file, with the program and the blob by which hypothesis has its own
again.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any

from hypothesis.errors import HypothesisException
from hypothesis.stateful import Rule, RuleBasedStateMachine


@dataclass
class History:
    """Of the run that is going on, and of the first that failed."""

    steps: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The name of each rule and what it was called with."""
    first: list[str] = field(default_factory=list)
    """Empty as long as none has."""
    failures: int = 0
    """How often any run failed, those by which hypothesis shortens the first among them."""
    is_interrupted: bool = False
    """Whether Ctrl-C came amid a step: what fails behind it fails for that, and says nothing."""

    @contextmanager
    def step(self, name: str, arguments: dict[str, Any]) -> Iterator[None]:
        """Write a step down, and keep the history where it fails."""
        self.steps.append((name, arguments))
        with self.watched():
            yield

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Keep the history where the block fails."""
        try:
            yield
        except HypothesisException:  # its own way to leave a run
            raise
        except KeyboardInterrupt:
            self.is_interrupted = True
            raise
        except Exception as broken:
            if self.is_interrupted:  # it is on its way out of a run left amid a step
                return
            self.failures += 1
            if not self.first:
                place = "".join(traceback.format_exception(broken))
                self.first = [*map(_in_words, self.steps), *place.splitlines()]
            raise


def _in_words(step: tuple[str, dict[str, Any]]) -> str:
    name, arguments = step
    said = ", ".join(f"{one}={value!r}" for one, value in arguments.items())
    return f"state.{name}({said})"


class Recorded(RuleBasedStateMachine):
    """To be inherited from before a machine: writes down in ``history`` what that one does."""

    history: History

    def __init__(self) -> None:
        """Begin a run."""
        self.history.steps = []
        super().__init__()

    @classmethod
    def setup_state(cls) -> Any:
        """Have each rule write down that it is called."""
        if (found := vars(cls).get("_recorded")) is None:
            found = super().setup_state()
            initializers = [_recorded(rule) for rule in found.initializers]
            rules = [_recorded(rule) for rule in found.rules]
            found = replace(found, rules=rules, initializers=initializers)
            cls._recorded = found
        return found

    def check_invariants(self, *how: Any) -> None:
        """Keep the history where one does not hold."""
        with self.history.watched():
            super().check_invariants(*how)

    def teardown(self) -> None:
        """Keep it where the end is not well."""
        with self.history.step("teardown", {}):
            super().teardown()


def _recorded(rule: Rule) -> Rule:
    function: Callable[..., Any] = rule.function

    @wraps(function)
    def called(machine: Recorded, **arguments: Any) -> Any:
        with machine.history.step(function.__name__, arguments):
            return function(machine, **arguments)

    return replace(rule, function=called)


def told(broken: BaseException) -> Iterator[str]:
    """Tell where each failure is and by which history it is had again."""
    if isinstance(broken, BaseExceptionGroup):
        yield f"{type(broken).__name__}: {broken.message}"
        for one in broken.exceptions:
            yield from told(one)
    else:
        place = traceback.extract_tb(broken.__traceback__)[-1]
        yield f"{type(broken).__name__} at {place.filename}:{place.lineno}: {place.line}"
    for note in getattr(broken, "__notes__", ()):
        yield from note.splitlines()


def keep(path: Path, what: str, broken: BaseException, history: History) -> None:
    """Write into a file all that is known of a failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = (
        [what], ["", "-- as hypothesis tells it"], told(broken),
        ["", f"-- the first run that failed, of {history.failures}"], history.first,
    )  # fmt: skip
    path.write_text("\n".join(line for part in parts for line in part) + "\n")
