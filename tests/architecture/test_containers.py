"""Container files: linted, and the commands in them run outside a container. No image is built here."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bff_clients import BackendSettings
from bff_contracts.platform import PLACEHOLDER_KEY
from tests.support.mock_process import FREE_PORTS

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CONTAINERFILE = ROOT / "Containerfile"
COMPOSE = ROOT / "compose.yaml"


def words_after(instruction: str) -> list[str]:
    """The JSON array of an instruction."""
    text = CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(rf"^{instruction}\b[^\[\n]*(\[.*\])$", text, re.MULTILINE)
    assert found
    words: list[str] = json.loads(found[1])
    return words


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="hadolint comes as a wheel for Linux on x86-64 alone")
def test_the_containerfile_is_clean() -> None:
    command = [str(BIN / "hadolint"), str(CONTAINERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_installs_by_hash_alone() -> None:
    text = CONTAINERFILE.read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if re.search(r"\bpip (install|wheel)\b", line)]
    from_elsewhere = [line for line in installs if "--require-hashes" not in line and "--no-index" not in line]

    assert len(installs) == 4
    assert from_elsewhere == []
    names = re.findall(r"-r /tmp/(\w+)\.txt", text)
    assert sorted(names) == ["mock", "pdm", "release"]
    assert all(f"pdm export {what} -o" in text for what in ("--prod -G mock", "--no-default -G release"))


def test_the_compose_file_keeps_to_its_schema() -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert done.returncode == 0, done.stdout


def test_the_bff_of_the_compose_file_finds_the_mock() -> None:
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    environment = services["bff"]["environment"]
    fields = {name.lower().removeprefix("bff_teacher_service_") for name in environment}

    assert fields - {"huleedu_internal_api_key"} <= set(BackendSettings.model_fields)
    assert environment["HULEEDU_INTERNAL_API_KEY"] == PLACEHOLDER_KEY
    exposed = re.search(r"^EXPOSE (.*)$", CONTAINERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert exposed
    assert {port.rpartition(":")[2] for port in services["mock"]["ports"]} == set(exposed[1].split())


def test_the_entry_point_starts_and_the_health_check_works() -> None:
    program, *arguments = words_after("ENTRYPOINT")
    arguments = [argument.replace("0.0.0.0", "127.0.0.1") for argument in arguments]
    python, *check = words_after("HEALTHCHECK")
    assert (program, python) == ("bff-mock-server", "python")
    found = shutil.which(program, path=str(BIN))
    assert found
    with subprocess.Popen([found, *arguments, *FREE_PORTS, "-q"], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        port = process.stdout.readline().strip().rpartition(":")[2]
        here = [part.replace(":4003/", f":{port}/") for part in check]
        alive = subprocess.run([sys.executable, *here], check=False, capture_output=True).returncode  # noqa: S603
        process.terminate()
        process.stdout.read()
    dead = subprocess.run([sys.executable, *here], check=False, capture_output=True).returncode  # noqa: S603

    assert (alive, process.returncode) == (0, 0)
    assert dead != 0
