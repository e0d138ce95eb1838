"""The ATM in a browser, by textual-serve: loopback only, one ATM for each visitor.

Plan: the library's server with a page of our own, which takes everything from this server.
It has no log-in, so three things keep others out: it listens on loopback, a web socket is
opened to our own page only (any site in the same browser could try), and the policy sent
with every page forbids requests to anywhere else.
Limits: whoever else is on this machine can open it; it is for a lab.
"""

import logging
import shlex
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from aiohttp import web
from textual_serve.server import Server

from atm_switch.domain.errors import Refused
from terminal_emulator.address import Address, why_not_listening

if TYPE_CHECKING:
    from terminal_emulator.options import TerminalOptions

LOOPBACK = "127.0.0.1"
PAGE = Path(__file__).parent / "page"


class AtmServer(Server):
    """Serves one page and the ATM behind it."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.on_response_prepare.append(self._add_policy)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is."""
        del app
        click.echo(f"ATM at {self.public_url}  (Ctrl-C ends it)")

    def initialize_logging(self) -> None:
        """Log errors only; more could hold what is typed."""
        logging.getLogger().setLevel(logging.ERROR)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Open an ATM for our own page; any other origin gets 403."""
        if request.headers.get("Origin") != self.public_url:
            raise web.HTTPForbidden(text="this ATM is for its own page only")
        return await super().handle_websocket(request)

    async def _add_policy(self, _request: web.Request, response: web.StreamResponse) -> None:
        socket = self.public_url.replace("http", "ws", 1)
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; "
            f"style-src 'self' 'unsafe-inline'; connect-src 'self' {socket}; "
            "frame-ancestors 'none'"
        )


def serve(options: "TerminalOptions", port: int) -> None:
    """Serve until interrupted.  Raises ``Refused`` where the port is taken."""
    server = AtmServer(
        command_of(options), host=LOOPBACK, port=port, title="ATM", templates_path=PAGE
    )
    try:
        socket.create_server((LOOPBACK, port)).close()  # the library says where it is before it is
        server.serve()
    except OSError as error:
        raise Refused(why_not_listening(Address(LOOPBACK, port), error, "--port")) from None


def command_of(options: "TerminalOptions") -> str:
    """Write the command that is the ATM of one visitor, for a shell."""
    given = {
        "--connect": options.connect, "--kit": options.kit, "--profile": options.profile,
        "--terminal": options.terminal, "--acquirer": options.acquirer,
        "--channel": options.channel, "--timeout": options.timeout, "--tls-ca": options.tls_ca,
        "--tls-cert": options.tls_cert, "--tls-key": options.tls_key,
    }  # fmt: skip
    words = [sys.executable, "-m", "terminal_emulator", "atm"]
    for name, value in given.items():
        if value is not None:
            words += [name, str(value)]
    return shlex.join(words)
