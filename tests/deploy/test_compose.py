"""deploy/compose.yaml agrees with itself, with the image, with the commands' defaults and with the settings page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deploy.files import DEPLOY, ROOT, compose, seconds, steps

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = ("web", "worker")


def _option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_web_database_and_two_workers() -> None:
    assert set(SERVICES) == {"database", *OURS}
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


def test_only_the_web_is_reached_and_only_from_this_machine() -> None:
    assert SERVICES["web"]["ports"] == [f"127.0.0.1:8080:{_option(SERVICES['web']['command'], '--port')}"]
    assert all("ports" not in SERVICES[name] for name in ("database", "worker"))
    assert not any(service.get("network_mode") or service.get("privileged") for service in SERVICES.values())


@pytest.mark.parametrize("name", OURS)
def test_ours_may_do_as_little_as_possible(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image's own user is the one without rights"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits_and_comes_back(name: str) -> None:
    assert set(SERVICES[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_a_worker_is_not_killed_while_it_is_patient() -> None:
    patience = float(_option(SERVICES["worker"]["command"], "--patience"))
    assert seconds(SERVICES["worker"]["stop_grace_period"]) >= patience + 10
    assert seconds(SERVICES["web"]["stop_grace_period"]) >= 10


def test_what_writes_goes_to_volumes_that_exist() -> None:
    whole = compose()
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert used == set(whole["volumes"])
    data = dict(word.split("=", 1) for step in steps()[-1] if step.name == "ENV" for word in step.words)[
        "SAMKLANG_DATA"
    ]
    assert all(f"data:{data}" in SERVICES[name]["volumes"] for name in OURS)


def test_secrets_come_from_files_and_nothing_else() -> None:
    whole = compose()
    used = {name for service in SERVICES.values() for name in service["secrets"]}
    assert used == set(whole["secrets"])
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
            else:
                assert not re.search("KEY|PASSWORD|TOKEN|DATABASE", name)
    ignored = (ROOT / ".gitignore").read_text().split()
    kept = {str(DEPLOY.relative_to(ROOT) / source["file"]).rpartition("/")[0] for source in whole["secrets"].values()}
    assert {f"/{folder}/" for folder in kept} <= set(ignored)
    files = {entry["path"] for name in OURS for entry in SERVICES[name]["env_file"]}
    assert {f"/deploy/{path}" for path in files} <= set(ignored)


def test_the_image_is_built_from_the_project() -> None:
    for name in OURS:
        build = SERVICES[name]["build"]
        context = (DEPLOY / build["context"]).resolve()
        assert context == ROOT
        assert (context / build["dockerfile"]).is_file()


def test_ours_wait_for_a_database_that_can_say_it_is_well() -> None:
    assert all(SERVICES[name]["depends_on"]["database"] == {"condition": "service_healthy"} for name in OURS)
    asked = SERVICES["database"]["healthcheck"]["test"]
    given = SERVICES["database"]["environment"]
    assert {f"--username={given['POSTGRES_USER']}", f"--dbname={given['POSTGRES_DB']}"} <= set(asked)


def test_the_database_takes_every_connection_that_ours_may_open() -> None:
    from samklang import settings

    most = settings.postgresql("postgresql:///x")["OPTIONS"]["pool"]["max_size"]
    workers = SERVICES["worker"]["deploy"]["replicas"]
    procrastinate = 5  # of its own in each worker: four in a pool, one that listens
    given = int(next(word for word in SERVICES["database"]["command"] if "max_connections" in word).split("=")[1])
    assert given >= most + workers * (most + procrastinate) + 10
