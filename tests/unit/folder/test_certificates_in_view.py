"""Which TLS files a running switch keeps in view: all it uses, whoever is at the other end."""

from datetime import timedelta
from pathlib import Path

from atm_switch.adapters.clock import utc_now
from atm_switch.folder import open_folder
from atm_switch.upkeep import dates_of, first_end
from tests.doubles.certificates import LabCa
from tests.doubles.served import make_folder


def with_broker(root: Path) -> Path:
    """Make a folder whose only TLS is that of the broker."""
    folder = make_folder(root)
    ca = LabCa(root)
    with (folder / "switch.toml").open("a") as settings:
        settings.write(f'\n[events]\nbroker = "mqtts://localhost:8883"\ntls_ca = "{ca.file}"\n')
    return folder


def test_files_of_the_broker_are_watched_too(tmp_path: Path) -> None:
    """Its CA has an end that is known, and is named thirty days before."""
    folder = open_folder(with_broker(tmp_path))

    end = first_end(folder)

    assert end is not None
    assert end > utc_now()
    assert [] == dates_of(folder, end - timedelta(days=31)).ending
    (said,) = dates_of(folder, end - timedelta(days=29)).ending
    assert f"good until {end:%Y-%m-%d} only" in said


def test_without_tls_nothing_ends(tmp_path: Path) -> None:
    """No file, no end, and nothing to warn of however late it is."""
    folder = open_folder(make_folder(tmp_path))

    assert first_end(folder) is None
    assert [] == dates_of(folder, utc_now() + timedelta(days=36_500)).ending
