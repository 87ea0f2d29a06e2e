"""The wheel without an extra: the clients work, and everything else says what is missing."""

import pytest

from tests.wheel.environment import DISTRIBUTION, ROOT, Environment

MOCK = f"install {DISTRIBUTION}[mock] from where you have it, such as pip install './huleedu_bff_clients-….whl[mock]'"
CONTRACTS = MOCK.replace("[mock]", "[contracts]")
TESTING = MOCK.replace("[mock]", "[testing]")


@pytest.mark.parametrize("package", ["bff_clients", "bff_contracts", "bff_mock_server"])
def test_the_packages_come_from_the_wheel_and_not_from_here(bare: Environment, package: str) -> None:
    printed = bare.python(f"import sys, {package}; print({package}.__file__, *sys.path, sep='\\n')")
    source, *path = printed.splitlines()

    assert source.startswith(f"{bare.home}/lib/")
    assert [entry for entry in path if entry.startswith(str(ROOT))] == []


def test_it_brings_no_server_no_engine_and_no_test_tools(bare: Environment) -> None:
    unwanted = {"uvicorn", "fastapi", "httptools", "uvloop", "pyyaml", "pact_python", "pact_python_ffi", "respx"}
    names = bare.python("import importlib.metadata as m; print(*(each.name for each in m.distributions()))")
    found = {name.lower().replace("-", "_") for name in names.split()}

    assert "huleedu_bff_clients" in found
    assert found & (unwanted | {"pact_python_cli", "rstr", "pytest", "pip"}) == set()


def test_each_module_of_the_clients_can_be_imported(bare: Environment) -> None:
    program = """
import bff_clients, importlib, pkgutil
from bff_clients import *
for module in pkgutil.walk_packages(bff_clients.__path__, "bff_clients."):
    importlib.import_module(module.name)
print(sorted(set(bff_clients.__all__) - set(globals())))
"""

    assert bare.python(program).strip() == "[]"


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        pytest.param("bff-mock-server", MOCK, id="mock"),
        pytest.param("python -m bff_mock_server", MOCK, id="mock-as-module"),
        pytest.param("bff-contracts verify cms --url http://127.0.0.1:9", CONTRACTS, id="verify"),
        pytest.param("python -m bff_contracts verify cms --url http://127.0.0.1:9", CONTRACTS, id="verify-as-module"),
        pytest.param("bff-contracts diff HEAD", CONTRACTS, id="diff"),
    ],
)
def test_what_needs_an_extra_names_it_in_one_line(bare: Environment, words: str, extra: str) -> None:
    done = bare.run(*words.split())

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f" is missing: {extra}\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("bff-contracts list", id="list"),
        pytest.param("bff-contracts show health", id="show"),
        pytest.param("bff-contracts states ras", id="states"),
        pytest.param("bff-contracts scaffold cms", id="scaffold"),
        pytest.param("bff-contracts --version", id="version-of-contracts"),
        pytest.param("bff-mock-server --version", id="version-of-mock"),
        pytest.param("bff-mock-server --help", id="help-of-mock"),
    ],
)
def test_what_needs_no_extra_works(bare: Environment, words: str) -> None:
    done = bare.run(*words.split())

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_name_that_needs_an_extra_names_it(bare: Environment) -> None:
    done = bare.run("python", "-c", "from bff_mock_server import read_scenario")

    assert done.returncode == 1
    assert done.stderr.endswith(f" is missing: {TESTING}\n")


def test_a_pytest_without_the_extra_is_left_alone(with_pytest: Environment) -> None:
    file = with_pytest.file("test_theirs.py", "def test_theirs():\n    pass\n")
    done = with_pytest.run("python", "-m", "pytest", "-W", "error", file)

    assert (done.returncode, done.stderr) == (0, "")
    assert "1 passed" in done.stdout


@pytest.mark.parametrize(
    ("fixture", "extra"),
    [pytest.param("backends", TESTING, id="in-process"), pytest.param("backends_on_ports", MOCK, id="on-ports")],
)
def test_a_fixture_without_the_extra_names_it(with_pytest: Environment, fixture: str, extra: str) -> None:
    file = with_pytest.file(f"test_{fixture}.py", f"def test_theirs({fixture}):\n    pass\n")
    done = with_pytest.run("python", "-m", "pytest", "-q", file)

    assert done.returncode == 1
    assert f" is missing: {extra}\n" in done.stdout
    assert "Traceback" not in done.stdout
