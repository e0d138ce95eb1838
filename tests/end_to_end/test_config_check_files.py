"""Claims about ``config check`` and the files that the settings name."""

from pathlib import Path

from tests.doubles.served import make_folder, run


def test_wrong_files_are_all_named_at_their_lines(tmp_path: Path) -> None:
    """A profile nobody ships, one that cannot work, absent rates: each with its line."""
    folder = make_folder(tmp_path)
    (folder / "own.toml").write_text(
        'extends = "bpjstk-jht-v1"\n[elements]\n41 = { name = "x", class = "ans", length = 16 }\n'
    )
    with (folder / "switch.toml").open("a") as file:
        file.write('\n[ledger]\nrates = "no.csv"\n')
        for at, profile in enumerate(("nope", "own.toml"), 1):
            file.write(f'[[listeners]]\nprofile = "{profile}"\nlisten = "127.0.0.1:{at}"\n')
    lines = (folder / "switch.toml").read_text().splitlines()

    done = run("config", "check", folder)

    assert 78 == done.returncode
    for named in ('profile = "nope"', 'profile = "own.toml"', 'rates = "no.csv"'):
        assert f"switch.toml:{lines.index(named) + 1}: " in done.stderr


def test_channel_the_profile_lacks_is_named(tmp_path: Path) -> None:
    """A bank allowed a channel its line's dialect does not know could never use it."""
    folder = make_folder(tmp_path)
    settings = folder / "switch.toml"
    bank = 'name = "BANK CONTOH"'
    settings.write_text(settings.read_text().replace(bank, bank + '\nchannels = ["6999"]'))

    done = run("config", "check", folder)

    assert (78, True) == (done.returncode, "knows no channel 6999 of bank 009" in done.stderr)


def test_serve_refuses_wrong_settings_with_78(tmp_path: Path) -> None:
    """What the check finds, serve finds: absent rates are settings, not a failure."""
    folder = make_folder(tmp_path)
    with (folder / "switch.toml").open("a") as file:
        file.write('\n[ledger]\nrates = "no.csv"\n')

    done = run("serve", folder)

    assert (78, "") == (done.returncode, done.stdout)
    assert "ledger.rates" in done.stderr
