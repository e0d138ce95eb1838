"""structlog, set up once: JSON lines in service, readable ones on a terminal.

No renderer here prints frame locals, and no call passes exception objects: a traceback's
locals would hold the message (dependencies.md, structlog).  Lines are cut to a length.
"""

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO, cast

import structlog

from atm_switch.server.background_stream import BackgroundStream

TEXT_MAX = 512
"""Characters of one value; what peers send never gets this far, but names a limit."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Logger = Any
"""structlog's bound logger; its type is made at run time."""


def make_logger(form: str, level: str, stream: TextIO | None = None) -> Logger:
    """Return the logger.  ``form`` is auto, json or text; auto asks the stream."""
    target = stream or sys.stderr
    is_text = form == "text" or (form == "auto" and target.isatty())
    sink = target if stream is not None else cast("TextIO", BackgroundStream(target))
    renderer: Callable[..., Any] = (
        structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        if is_text
        else structlog.processors.JSONRenderer()
    )
    return structlog.wrap_logger(
        structlog.WriteLogger(sink),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _shorten,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        cache_logger_on_first_use=True,
    )


def _shorten(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > TEXT_MAX:
            event[key] = value[:TEXT_MAX] + "..."
    return event
