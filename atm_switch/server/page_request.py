"""What a scraper may say to the watch page: a head of so many bytes, and nothing of it kept beyond.

The standard library bounds a line at 64 KiB and their number at 100, and keeps all, several times.
Limits: who is still sending when the answer goes may find the connection reset in its stead.
"""

from http.client import HTTPException
from io import BufferedReader
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

HEAD_BYTES_MAX = 16_384
"""Of a request's line and headers together; those of a scraper are some 300."""
URI_TOO_LONG = 414


class PageRequest(WSGIRequestHandler):
    """Reads one request, answers 414 or 431 to one whose head is too long, and logs none."""

    def setup(self) -> None:
        """Count what is read."""
        super().setup()
        self.rfile = _Head(self.rfile.detach())

    def handle(self) -> None:
        """Serve; headers beyond the bound are answered 431 by the library itself."""
        try:
            super().handle()
        except HTTPException:
            self.requestline = self.request_version = self.command = ""
            self.send_error(URI_TOO_LONG)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing of every scrape."""


class _Head(BufferedReader):
    """A request's head, a line at a time."""

    _left = HEAD_BYTES_MAX

    def readline(self, _size: int | None = -1, /) -> bytes:
        """Read a line.  Raises ``HTTPException`` once the head is too long."""
        line = super().readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise HTTPException(f"a request's head has {HEAD_BYTES_MAX} bytes at most")
        return line
