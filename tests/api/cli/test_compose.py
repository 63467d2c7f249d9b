import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
OURS = ("asterisk", "api", "router", "worker")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def test_it_is_a_compose_file_by_the_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/fixtures/compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.Draft201909Validator(schema).validate(compose)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft201909Validator(schema).validate({**compose, "services": {"api": {"imagee": "x"}}})


def test_every_service_lives_on_and_says_how_it_is(compose: dict[str, Any]) -> None:
    for name in (*OURS, "postgres"):
        service = compose["services"][name]
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert service["volumes"], name


def test_asterisk_waits_for_nobody(compose: dict[str, Any]) -> None:
    assert "depends_on" not in compose["services"]["asterisk"]


def test_no_secret_and_no_default_password_stands_in_it() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)([:?-]*)", text)) == {("POSTGRES_PASSWORD", ":?"), ("HOTLINE_ADDRESS", ":?")}


def test_the_image_reads_the_configuration_that_is_mounted(compose: dict[str, Any]) -> None:
    """The image holds an installed package: without being told, it would look for config/ beside that."""
    dockerfile = (ROOT / "config/docker/Dockerfile").read_text(encoding="utf-8")
    [config] = re.findall(r"ZHITONG_CONFIG=(\S+)", dockerfile)
    for service in OURS:
        assert f"./config:{config}:ro" in compose["services"][service]["volumes"]


def test_the_image_takes_nothing_that_this_machine_has_built() -> None:
    ignored = (ROOT / "config/docker/Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert {".venv", ".tools", "var", ".git"} <= set(ignored)


@pytest.mark.parametrize("service", [*OURS, "migrate"])
def test_each_command_is_one_of_the_command_line(compose: dict[str, Any], service: str) -> None:
    command = compose["services"][service]["command"]
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *command, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", OURS)
def test_each_health_check_asks_for_a_part_that_exists(compose: dict[str, Any], service: str) -> None:
    assert compose["services"][service]["healthcheck"]["test"] == ["CMD", "zhitong", "status", service]
