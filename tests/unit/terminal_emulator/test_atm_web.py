"""Claims about the command that the web server starts for each visitor."""

import shlex
from pathlib import Path

from terminal_emulator.address import Address
from terminal_emulator.atm_screen.web import command_of
from terminal_emulator.cli.atm import atm
from terminal_emulator.options import TerminalOptions


def test_visitor_gets_every_option_given(tmp_path: Path) -> None:
    """Each terminal option that was given arrives, quoted for a shell; no other does."""
    kit = tmp_path / "my bank; rm x" / "kit.json"
    options = TerminalOptions(
        Address.read("127.0.0.1:8583"), kit, terminal="S1ABC124", timeout=7.5, tls_ca=Path("ca.pem")
    )

    words = shlex.split(command_of(options))

    assert ["-m", "terminal_emulator", "atm", "--connect", "127.0.0.1:8583"] == words[1:6]
    assert ["--kit", str(kit), "--terminal", "S1ABC124"] == words[6:10]
    assert ["--timeout", "7.5", "--tls-ca", "ca.pem"] == words[10:]


def test_no_terminal_option_is_forgotten() -> None:
    """Every option of ``atm`` that says whom to call can be handed on."""
    whole = TerminalOptions(
        Address.read("127.0.0.1:8583"), Path("k"), "p", "t", "a", "c", 1.0,
        Path("x"), Path("y"), Path("z"),
    )  # fmt: skip
    own = {"--plain", "--web", "--port"}

    handed = {word for word in shlex.split(command_of(whole)) if word.startswith("--")}

    assert handed == {name for one in atm.params for name in one.opts} - own
