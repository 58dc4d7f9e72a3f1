"""The units parse, agree with each other, and systemd itself finds no fault with them where it can be asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import SERVICES, UNITS, seconds, unit

ALL = sorted(path.name for path in UNITS.iterdir() if path.is_file())
OURS = ("samklang-web.service", "samklang-worker@.service")
HARD = {
    "ProtectSystem": "strict", "ProtectHome": "yes", "NoNewPrivileges": "yes", "PrivateTmp": "yes",
    "PrivateDevices": "yes", "CapabilityBoundingSet": "", "RestrictSUIDSGID": "yes", "UMask": "0077",
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_services_run_as_a_user_without_rights(name: str) -> None:
    service = unit(name)["Service"]
    assert service["User"] == ["samklang"]
    assert {key: service[key] for key in HARD} == {key: [value] for key, value in HARD.items()}


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_not_killed_while_it_is_patient(name: str) -> None:
    service = unit(name)["Service"]
    (command,) = service["ExecStart"]
    patience = re.search(r"--patience (\d+)", command)
    assert seconds(service["TimeoutStopSec"][0]) >= (int(patience[1]) if patience else 0) + 10
    assert service["Restart"] == ["always"]


@pytest.mark.parametrize("name", OURS)
def test_each_secret_that_is_named_is_handed_over(name: str) -> None:
    service = unit(name)["Service"]
    given = {value.split(":")[0] for value in service["LoadCredential"]}
    assert set(re.findall(r"%d/(\w+)", " ".join(service["Environment"]))) == given == {"database", "key"}


@pytest.mark.parametrize("name", OURS)
def test_the_data_folder_is_the_one_that_may_be_written(name: str) -> None:
    service = unit(name)["Service"]
    assert f"SAMKLANG_DATA=/var/lib/{service['StateDirectory'][0]}" in " ".join(service["Environment"])


def test_the_target_starts_and_ends_all_of_them() -> None:
    wanted = unit("samklang.target")["Unit"]["Wants"][0].split()
    assert wanted == ["samklang-web.service", "samklang-worker@1.service", "samklang-worker@2.service"]
    assert all(unit(name)["Unit"]["PartOf"] == ["samklang.target"] for name in OURS)


def test_the_timer_has_its_service() -> None:
    assert unit("samklang-backup.timer")["Install"]["WantedBy"] == ["timers.target"]
    assert (UNITS / "samklang-backup.service").is_file()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The units with programs that this machine has, and one instance of the worker."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for path in folder.glob("*.service"):
        text = path.read_text().replace("/opt/samklang/bin/samklang", sys.executable)
        path.write_text(text.replace("ExecStart=pg_dump", f"ExecStart={sys.executable}"))
    for n in (1, 2):
        shutil.copy(folder / "samklang-worker@.service", folder / f"samklang-worker@{n}.service")
    return folder


def _analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not on this machine")
    given = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
    return subprocess.run(["systemd-analyze", *arguments], env=given, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", [name.replace("@", "@1") for name in ALL])
def test_systemd_finds_no_fault(name: str, here: Path) -> None:
    found = _analyze(here, "verify", "--man=no", "--recursive-errors=one", str(here / name))
    ours = [line for line in found.stderr.splitlines() if str(here) in line or "samklang" in line]
    assert (found.returncode, ours) == (0, [])


@pytest.mark.parametrize("name", [name.replace("@", "@1") for name in SERVICES])
def test_systemd_counts_the_exposure_as_ok(name: str, here: Path) -> None:
    found = _analyze(here, "security", "--offline=true", "--threshold=20", "--no-pager", str(here / name))
    if "nrecognized option" in found.stderr:
        pytest.skip("this systemd-analyze cannot look at a unit offline")
    assert found.returncode == 0, found.stdout.splitlines()[-1]
