"""The log: JSON lines in service, readable ones on a terminal, made off the loop.

Plan: whoever logs hands over a tuple - moment, level, event, fields - and goes on; a thread
makes the line, JSON or with structlog's renderer, and writes it (``background_stream.py``).
A stream of one's own is written at once.
No renderer here prints frame locals, and no call passes exception objects: a traceback's
locals would hold the message (dependencies.md, structlog).  Lines are cut to a length.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, TextIO

from atm_switch.server.background_stream import BackgroundStream

TEXT_MAX: Final = 512
"""Characters of one value; what peers send never gets this far, but names a limit."""
MICROSECONDS: Final = 1_000_000
LINE_MAX: Final = 16_384
"""Characters of one line: what collectors of logs take without cutting."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Record = tuple[float, str, str, Mapping[str, Any]]
"""Seconds since 1970, level, event and fields, whose values do not change any more."""


class Logger:
    """Takes records of its level and above."""

    def __init__(self, put: Callable[[Record], object], level: str) -> None:
        """Give records to ``put``, in the thread that logs."""
        self._put = put
        self._least = _LEVELS[level]

    @property
    def level(self) -> str:
        """The least that is logged."""
        return next(name for name, at in _LEVELS.items() if at == self._least)

    @level.setter
    def level(self, level: str) -> None:
        self._least = _LEVELS[level]

    def of(self, **always: Any) -> "Logger":
        """Return a logger that adds these fields to every record."""
        put = self._put
        return Logger(lambda one: put((one[0], one[1], one[2], {**always, **one[3]})), self.level)

    def take(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        """Log fields that do not change any more."""
        if self._least <= _LEVELS[level]:
            self._put((time.time(), level, event, fields))

    def info(self, event: str, **fields: Any) -> None:
        """Log what is as it should be."""
        self.take("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log what somebody should look at."""
        self.take("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Log a mistake of ours."""
        self._put((time.time(), "error", event, fields))


def make_logger(form: str, level: str, stream: TextIO | None = None) -> Logger:
    """Return the logger.  ``form`` is auto, json or text; auto asks the stream."""
    target = stream or sys.stderr
    is_text = form == "text" or (form == "auto" and target.isatty())
    render = _readable(colors=target.isatty()) if is_text else _as_json

    def line_of(record: Record) -> str:
        moment, said_as, event, fields = record
        second, parts = divmod(round(moment * MICROSECONDS), MICROSECONDS)
        stamp = f"{_second_of(second)}.{parts:06d}Z"
        always = {"event": event[:TEXT_MAX], "level": said_as, "timestamp": stamp}
        line = render({**fields, **always})
        if len(line) > TEXT_MAX:  # else no value can be longer
            told = {name: _shortened(value) for name, value in fields.items()}
            line = render({**told, **always})
        if len(line) > LINE_MAX:
            line = render({"left_out": f"{len(fields)} fields, too long", **always})
        return f"{line}\n"

    if stream is None:
        return Logger(BackgroundStream(target, line_of).write, level)
    return Logger(lambda record: stream.write(line_of(record)), level)


@lru_cache(1)
def _second_of(moment: int) -> str:
    """Write a whole second, in UTC; many lines are of the same."""
    return datetime.fromtimestamp(moment, UTC).isoformat()[:-6]


_as_json: Final = json.JSONEncoder(default=repr, check_circular=False).encode
"""Made once: ``json.dumps`` makes one for every line that has a default."""


def _readable(*, colors: bool) -> Callable[[dict[str, Any]], str]:
    # Imported here: structlog brings rich with it, a fifth of what a start imports.
    from structlog.dev import ConsoleRenderer, plain_traceback  # noqa: PLC0415

    renderer = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
    return lambda told: str(renderer(None, str(told["level"]), told))


def _shortened(value: Any) -> Any:
    """Cut a text, or the texts of a list or a table, to a length in all."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_MAX else value[:TEXT_MAX] + "..."
    if isinstance(value, Mapping):
        return dict(zip(_fitting(list(map(str, value))), value.values(), strict=False))
    return _fitting(list(value)) if isinstance(value, list | tuple) else value


def _fitting(values: list[Any]) -> list[Any]:
    """Return as many of the first values as have room, and how many others there are."""
    lengths = accumulate(len(str(one)) for one in values)
    count = sum(length <= TEXT_MAX for length in lengths)
    left = len(values) - count
    return values[:count] + ([f"... {left} more"] if left else [])
