"""`bff-contracts list`, `show`, `states` and `scaffold`: what a provider team sees before it writes a line."""

import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bff_contracts.cli import main
from bff_contracts.pact.file import shipped_pacts
from bff_contracts.pact.wording import UNUSED
from bff_contracts.states import CATALOGUE
from bff_contracts.verification import interactions_of
from tests.support.golden import Golden

NAMES = {"ras": "result-aggregator-service", "cms": "class-management-service"}


ROOT = Path(__file__).parents[3]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_list_shows_every_interaction(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "list").splitlines()

    for pact in shipped_pacts():
        assert f"{pact.provider}: {len(pact.interactions)} interactions" in lines
        for interaction in pact.interactions:
            start = f"  {interaction.response.status}  {interaction.description}  (GET "
            assert any(line.startswith(start) for line in lines)


@pytest.mark.parametrize("provider", ["cms", "class-management-service"])
def test_list_shows_one_provider(capsys: pytest.CaptureFixture[str], provider: str) -> None:
    assert "result-aggregator-service" not in printed(capsys, "list", provider)


def test_show_prints_states_request_response_and_matching_rules(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "show", "batch status: a batch")

    assert shown.startswith(
        "batch status: a batch  (result-aggregator-service)\n\ngiven: user has exactly these batches\n{"
    )
    assert "\nrequest:\nGET /internal/v1/batches/87d27851-8f2c-5a6b-b0c7-a0ca752167e0/status\n" in shown
    assert "\nX-Internal-API-Key: INJECTED-AT-VERIFICATION\n" in shown
    assert "\nresponse:\n200\nContent-Type: application/json\n\n{\n" in shown
    assert re.search(r"\n  \$\.current_phase +null or a text\n", shown)


def test_show_finds_by_a_part_of_the_description(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "show", "WRONG key")
    named = [name for who in ("ras", "cms") for name in interactions_of(who) if "wrong key" in name]

    assert shown.count("\nresponse:\n401\n") == len(named)


def test_states_prints_params_an_example_and_a_handler(capsys: pytest.CaptureFixture[str]) -> None:
    reported = printed(capsys, "states")

    for state in CATALOGUE:
        assert f"{state.name}  ({state.provider})" in reported
    assert "    classes{}.class_name  text\n" in reported
    assert "    batches[].essays[].cj_score  " in reported
    assert '          "class_name": "Svenska 1 – SA24B"\n' in reported
    assert "    async def batch_does_not_exist(params: BatchMissing) -> None:\n" in reported


def test_a_state_that_no_interaction_uses_any_more_is_still_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unused = replace(CATALOGUE[0], name="it is Monday")
    monkeypatch.setattr("bff_contracts.states.CATALOGUE", [*CATALOGUE, unused])

    assert printed(capsys, "states").count(UNUSED) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["show", "no such thing"], id="show"),
        pytest.param(["list", "sms"], id="list"),
        pytest.param(["states", "sms"], id="states"),
        pytest.param(["scaffold", "sms"], id="scaffold"),
        pytest.param(["scaffold", "cms", "-o", "no/such/file"], id="nowhere"),
        pytest.param(["scaffold", "cms", "-o", __file__], id="never-overwrites"),
    ],
)
def test_a_command_that_cannot_run_exits_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], golden: Golden
) -> None:
    assert main(arguments) == 2
    golden.check(capsys.readouterr().err.replace(__file__, "FILE"))


@pytest.mark.parametrize("arguments", [[], ["verify"], ["scaffold", "cms", "--app", "no-colon"], ["verifi"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("bff-contracts 0.")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, id="ended", marks=pytest.mark.slow("starts the command once more")),
    ],
)
def test_a_signal_ends_a_verification_with_its_code(number: signal.Signals, code: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "bff_contracts", "verify", "cms", "--only", "health", "--url", url]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:  # noqa: S603  our own interpreter
            silent.accept()[0].close()  # it sees that somebody listens
            with silent.accept()[0]:  # it waits for a response
                process.send_signal(number)
                _, printed = process.communicate()

    assert (process.returncode, printed) == (code, "bff-contracts: stopped\n")


# Scaffolds

STARTS_PYTEST = pytest.mark.slow("starts pytest in a process of its own")


def pytest_of(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(  # noqa: S603  our own interpreter
        command, cwd=folder, capture_output=True, text=True, check=False, env={**environment, "PYTHONPATH": str(folder)}
    ).stdout


@STARTS_PYTEST
@pytest.mark.parametrize("provider", ["cms", "ras"])
def test_a_scaffold_runs_unchanged_and_names_the_first_handler_to_write(provider: str, tmp_path: Path) -> None:
    assert main(["scaffold", provider, "-o", str(tmp_path / "test_contract.py")]) == 0
    output = pytest_of(tmp_path, "-x")
    first = next(state.name for state in CATALOGUE if state.provider == NAMES[provider])

    assert f"NotImplementedError: write the handler {first.replace(' ', '_')}" in output
    assert "1 failed" in output


@STARTS_PYTEST
def test_a_scaffold_has_one_test_for_each_interaction(tmp_path: Path) -> None:
    main(["scaffold", "cms", "-o", str(tmp_path / "test_contract.py")])
    collected = pytest_of(tmp_path, "--collect-only", "-q").splitlines()

    (pact,) = (pact for pact in shipped_pacts() if pact.provider == NAMES["cms"])
    assert [line.partition("::")[2] for line in collected if "::" in line] == [
        f"test_contract[{interaction.description}]" for interaction in pact.interactions
    ]


@pytest.mark.slow("starts mypy, which reads all that a scaffold imports")
def test_each_scaffold_passes_ruff_and_mypy(tmp_path: Path) -> None:
    """With and without an application, for each provider; one process for all, because mypy takes seconds to start."""
    application = ["--app", "tests.providers.small:SmallCms"]
    for number, words in enumerate(([], application)):
        for provider in ("ras", "cms"):
            main(["scaffold", provider, *words, "-o", str(tmp_path / f"test_{provider}_{number}.py")])
    for check in (
        ["ruff", "check", "--isolated", "--select", "E,F,UP,B,W", "--line-length", "120"],
        ["ruff", "format", "--isolated", "--check", "--line-length", "120"],
        ["mypy", "--strict", "--follow-imports", "silent", "--config-file", os.devnull, "--cache-dir", os.devnull],
    ):
        done = subprocess.run(  # noqa: S603  our own interpreter
            [sys.executable, "-m", *check, *sorted(tmp_path.glob("*.py"))],
            cwd=tmp_path,
            env={**os.environ, "MYPYPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr


@STARTS_PYTEST
def test_a_scaffold_expects_what_is_not_built_yet_to_fail(tmp_path: Path) -> None:
    main(["scaffold", "cms", "-o", str(tmp_path / "test_contract.py")])
    file = tmp_path / "test_contract.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("NOT_YET: list[str] = []", 'NOT_YET: list[str] = ["…/class-info"]'), encoding="utf-8")

    assert "11 xfailed" in pytest_of(tmp_path, "-k", "classes")


@STARTS_PYTEST
def test_a_scaffold_without_an_application_says_where_to_put_it(tmp_path: Path) -> None:
    main(["scaffold", "cms", "-o", str(tmp_path / "test_contract.py")])
    output = pytest_of(tmp_path, "-k", "health")

    assert "the provider raised NotImplementedError: create_app: return your application here" in output


def test_a_scaffold_imports_the_given_application(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "scaffold", "cms", "--app", "my_service.app:make")

    assert "\nfrom my_service.app import make as create_app\n" in text
    compile(text, "scaffold", "exec")
