"""Workers that die where there is no descriptor left to start them again."""

import json
import os
import re
import resource
from pathlib import Path
from urllib.request import urlopen

from tests.doubles.machines import set_in
from tests.doubles.served import Served, make_folder
from tests.doubles.workers import PIN, asked, running, wait_for, with_workers


def test_worker_is_started_again_as_soon_as_there_is_room(tmp_path: Path) -> None:
    """
    A worker dies while the supervisor has no descriptor left: one line says that it is not
    started, the other worker answers, and once there is room both are there again.
    """
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    set_in(folder, "metrics", listen="127.0.0.1:0")
    with running(folder) as switch:
        one, two = switch.talks_apart()
        supervisor = switch.served.process.pid
        name = f"worker {switch.worker_of(one)}"
        gone = switch.told()["processes"][name]
        born = shown(switch.served)
        limits = resource.prlimit(supervisor, resource.RLIMIT_NOFILE)
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (4, limits[1]))
        os.kill(gone, 9)
        wait_for(lambda: "process not started" in switch.served.log.read_text())
        before = seconds_of(supervisor)
        codes = [asked(two, number, PIN) for number in range(1, 20)]
        spent = seconds_of(supervisor) - before
        resource.prlimit(supervisor, resource.RLIMIT_NOFILE, limits)
        switch.wait_until_all_answer(gone)
        said = switch.served.log.read_text()
        with switch.talk() as talk:
            codes.append(asked(talk, 100, PIN))
        risen = shown(switch.served)
        one.close()
        two.close()

    assert ["00"] * 20 == codes
    assert 1 == said.count("process not started")
    assert spent < 1
    died = f'atm_switch_process_deaths_total{{process="{name}"}}'
    assert (0.0, 1.0) == (born[died], risen[died])
    for name in ("wanted", "up"):
        assert 2.0 == born[f"atm_switch_workers_{name}"] == risen[f"atm_switch_workers_{name}"]
    assert all(risen[f'atm_switch_journal_free_bytes{{worker="{at}"}}'] > 0 for at in (1, 2))


def shown(served: Served) -> dict[str, float]:
    """Read the samples on /metrics."""
    with urlopen(f"http://{metrics_of(served)}/metrics", timeout=90) as page:
        text = page.read().decode()
    return {name: float(value) for name, value in re.findall(r"(?m)^(\w+(?:\{.*\})?) (\S+)$", text)}


def metrics_of(served: Served) -> str:
    """Where the switch serves its metrics; the log says so a moment behind the first answer."""
    lines = served.log.read_text  # of which the last may be half there
    wait_for(lambda: any("metrics served" in line for line in lines().split("\n")[:-1]))
    (line,) = [line for line in lines().splitlines() if "metrics served" in line]
    return str(json.loads(line)["at"])


def seconds_of(process: int) -> float:
    """CPU seconds a process has taken so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
