"""``terminal-emulator completion``: the shell's own completion for this program."""

import click

from atm_switch.command_groups import print_completion

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\b
Examples:
  terminal-emulator completion bash > ~/.local/share/bash-completion/completions/terminal-emulator
  terminal-emulator completion fish > ~/.config/fish/completions/terminal-emulator.fish
  source <(terminal-emulator completion zsh)"""
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that completes commands and options in SHELL."""
    from terminal_emulator.cli.entry import cli

    print_completion(cli, "terminal-emulator", shell)
