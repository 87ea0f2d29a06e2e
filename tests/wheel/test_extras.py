"""The wheel with its extras: the mock serves, the plugin answers, and providers are verified."""

import re
from collections.abc import Generator

import httpx
import pytest

from tests.support.mock_process import RunningMock, running_mock
from tests.wheel.environment import ROOT, Environment


@pytest.fixture(scope="module")
def mock(with_mock: Environment) -> Generator[RunningMock]:
    with running_mock(program=[with_mock.program("bff-mock-server")]) as running:
        yield running


@pytest.mark.parametrize(
    "program",
    [pytest.param(["bff-mock-server"], id="command"), pytest.param(["python", "-m", "bff_mock_server"], id="module")],
)
def test_the_mock_answers_and_ends_on_sigterm(with_mock: Environment, program: list[str]) -> None:
    name, *words = program
    with running_mock(program=[with_mock.program(name), *words]) as mock:
        statuses = [httpx.get(f"{url}/healthz").status_code for url in (mock.ras, mock.cms)]

    assert statuses == [200, 200]
    assert mock.process.returncode == 0


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        pytest.param("/", "text/html; charset=utf-8", id="page"),
        pytest.param("/page.css", "text/css; charset=utf-8", id="style"),
        pytest.param("/page.js", "text/javascript; charset=utf-8", id="script"),
        pytest.param("/_mock/openapi.json", "application/json", id="api"),
        pytest.param("/_mock/scenarios", "application/json", id="scenarios"),
    ],
)
def test_the_control_page_is_served(mock: RunningMock, path: str, content_type: str) -> None:
    answer = httpx.get(f"{mock.control}{path}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)


IN_PLACE = """
import asyncio
from bff_clients import BackendSettings, RASClient, create_http_client

async def listed(settings):
    async with create_http_client(settings) as http:
        return (await RASClient(http, settings).get_batches_for_user("u")).batches

def test_in_place(backends):
    assert asyncio.run(listed(BackendSettings(internal_api_key=backends.api_key))) == ()
"""

ON_PORTS = """
import urllib.request

def test_on_ports(backends_on_ports):
    assert urllib.request.urlopen(f"{backends_on_ports.cms_url}/healthz").status == 200
"""


def test_the_plugin_answers_in_somebody_elses_tests(with_mock: Environment) -> None:
    done = with_mock.run("python", "-m", "pytest", "-q", with_mock.file("test_theirs.py", IN_PLACE + ON_PORTS))

    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_answers_in_an_environment_with_another_server(with_testing: Environment) -> None:
    file = with_testing.file(
        "test_theirs.py", f"import uvicorn\n{IN_PLACE}\n    assert uvicorn.__version__ == '0.30.0'\n"
    )
    done = with_testing.run("python", "-m", "pytest", "-q", "-W", "error", file)

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_what_tests_need_brings_no_server(with_testing: Environment) -> None:
    printed = with_testing.python("import importlib.metadata as m; print(*(each.name for each in m.distributions()))")

    assert {"pyyaml", "respx"} <= {name.lower() for name in printed.split()}
    assert {"uvloop", "httptools", "fastapi", "starlette"} & {name.lower() for name in printed.split()} == set()


def test_serving_names_the_extra_for_it(with_testing: Environment) -> None:
    command = with_testing.run("bff-mock-server")
    fixture = with_testing.run("python", "-m", "pytest", "-q", with_testing.file("test_ports.py", ON_PORTS))

    assert (command.returncode, command.stdout) == (2, "")
    assert command.stderr.startswith("bff-mock-server: httptools is missing: install huleedu-bff-clients[mock] from")
    assert "httptools is missing: install huleedu-bff-clients[mock] from" in fixture.stdout
    assert "Traceback" not in fixture.stdout


@pytest.mark.parametrize("program", ["bff-contracts", "python -m bff_contracts"], ids=["command", "module"])
def test_a_running_provider_is_verified(with_contracts: Environment, mock: RunningMock, program: str) -> None:
    states = f"{mock.cms}/_pact/provider_states"
    done = with_contracts.run(*program.split(), "verify", "cms", "--url", mock.cms, "--states-url", states)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"keeps all \d+ interactions of its contract", done.stdout)


@pytest.mark.parametrize(
    ("refusal", "kept"),
    [pytest.param(401, True, id="keeps-the-contract"), pytest.param(418, False, id="breaks-it")],
)
def test_an_application_is_verified(with_contracts: Environment, refusal: int, *, kept: bool) -> None:
    small = ROOT / "tests" / "providers" / "small.py"
    with_contracts.file("small.py", small.read_text(encoding="utf-8"))
    program = f"""
import small
from bff_contracts.verification import running_provider
cms = small.SmallCms()
cms.refusal = {refusal}
with running_provider(lambda: cms, provider="cms", states=cms.states) as running:
    print([all(outcome.verdict == "verified" for outcome in running.outcomes())])
"""

    assert with_contracts.python(program).splitlines()[-1] == f"[{kept}]"


def test_the_contracts_bring_the_official_command_line(with_contracts: Environment) -> None:
    words = ("--name", "test", "--broker-base-url", "http://127.0.0.1:9", "--retries", "1")
    done = with_contracts.run("pact", "broker", "create-environment", *words)

    assert done.returncode == 1
    assert "http://127.0.0.1:9" in done.stdout + done.stderr


def test_a_broker_is_asked_without_an_extra(bare: Environment) -> None:
    words = ("can-i-deploy", "--version", "1", "--to-environment", "production")
    done = bare.run("bff-contracts", *words, PACT_BROKER_BASE_URL="http://127.0.0.1:9")

    assert done.returncode == 2
    assert done.stderr.startswith("bff-contracts: no Pact Broker answers at http://127.0.0.1:9")
