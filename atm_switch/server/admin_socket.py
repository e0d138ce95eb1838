"""The admin socket: a local user's questions to a running switch, over ``DIR/admin.sock``.

Plan: one JSON object a line, asked and answered; the file's mode (0600) is the permission,
so only who may read the keys may ask.  The questions and who answers them are given by the
composition root.
Limits: a line is at most ``LINE_BYTES_MAX`` and must come within ``ASK_SECONDS_MAX``.  An
answer names peers and banks; no card, member or key.
"""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE_NAME = "admin.sock"
LINE_BYTES_MAX = 4096
ASK_SECONDS_MAX = 5.0
DRAIN_SECONDS = "drain_seconds_max"
"""In the answer to ``drain``: how long what is under way has."""

Answer = dict[str, Any]
Answers = Mapping[str, Callable[[str], Answer | Awaitable[Answer]]]
"""Who answers which question, at once or later; told who asks, as ``uid 0, pid 4711``."""

_CREDENTIALS = struct.Struct("3i")
"""Of SO_PEERCRED (unix(7)): process, user and group, as the kernel knows them."""


class AdminSocket:
    """Listens beside the switch; made by ``open``."""

    def __init__(self, path: Path, answers: Answers) -> None:
        """Wait for ``open``."""
        self._path = path
        self._answers = answers
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen.  Raises ``OSError``; a socket left by a killed switch is replaced.

        The folder's lock is held by now, so nobody else serves it.
        """
        self._path.unlink(missing_ok=True)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            before = os.umask(0o177)
            try:
                bound.bind(_short(self._path))
            finally:
                os.umask(before)
            self._server = await asyncio.start_unix_server(
                self._serve, sock=bound, limit=LINE_BYTES_MAX
            )
        except BaseException:
            bound.close()
            raise

    def close(self) -> None:
        """Listen no more, and take the file away."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
                async with asyncio.timeout(ASK_SECONDS_MAX):
                    answer = self._answer(await reader.readline(), _asker(writer))
                    if not isinstance(answer, dict):
                        answer = await answer
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await writer.drain()
        finally:  # whoever asks hears an end, if nothing else
            writer.close()

    def _answer(self, line: bytes, asker: str) -> Answer | Awaitable[Answer]:
        try:
            question = json.loads(line)
            ask = self._answers[question["ask"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            return {"error": f"ask one of: {', '.join(sorted(self._answers))}"}
        return ask(asker)


def ask_switch(path: Path, question: str, seconds: float = ASK_SECONDS_MAX) -> dict[str, Any]:
    """Ask the switch of a folder, and wait for its answer.

    Raises ``OSError`` where nobody serves the folder, or the switch does not answer in time -
    ``ConnectionResetError``, a subclass, where it hangs up instead - and ``ValueError`` where
    what answers is no switch.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(seconds)
        asking.connect(_short(path))
        asking.sendall(json.dumps({"ask": question}).encode() + b"\n")
        said = b""
        while not said.endswith(b"\n"):
            part = asking.recv(65_536)
            if not part:
                raise ConnectionResetError("the switch hung up")
            said += part
    answer = json.loads(said)
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")  # noqa: TRY004 - a peer's mistake
    return answer


def _asker(writer: asyncio.StreamWriter) -> str:
    asking = writer.get_extra_info("socket")
    said = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _group = _CREDENTIALS.unpack(said)
    return f"uid {user}, pid {process}"


def _short(path: Path) -> str:
    """Return the shorter spelling: the kernel takes 107 bytes of a socket's name."""
    return min(str(path), os.path.relpath(path), key=len)
