"""``atm-switch completion``: the shell's own completion for this program."""

import click

from atm_switch.command_groups import print_completion

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\b
Examples:
  atm-switch completion bash > ~/.local/share/bash-completion/completions/atm-switch
  atm-switch completion fish > ~/.config/fish/completions/atm-switch.fish
  source <(atm-switch completion zsh)"""
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that completes commands and options in SHELL."""
    from atm_switch.cli.entry import cli

    print_completion(cli, "atm-switch", shell)
