"""The machinery of the consumer tests: an interaction is written only once the client has kept to it."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.consumer.recording import Collection, Expectation
from tests.support.golden import Golden


def _expectation(folder: Path) -> Expectation:
    return Expectation(Collection(folder), "a-provider", "a thing").get("/thing", sort="up").answers(200)


def _ask(expected: Expectation, target: str | None) -> None:
    with expected.served() as url:
        if target:
            httpx.get(url + target)


def test_a_kept_interaction_is_written(tmp_path: Path) -> None:
    """The request that was expected makes the file."""
    with _expectation(tmp_path).served() as url:
        assert httpx.get(f"{url}/thing?sort=up").status_code == 200

    assert [path.name for path in tmp_path.iterdir()] == ["bff-teacher-service-a-provider.json"]


@pytest.mark.parametrize("target", ["/thing?sort=down", "/another", None])
def test_another_request_is_an_error(tmp_path: Path, target: str | None, golden: Golden) -> None:
    """Another request, or none, fails the test and writes nothing."""
    with pytest.raises(AssertionError) as refused:
        _ask(_expectation(tmp_path), target)
    golden.check(str(refused.value).partition("(")[0])

    assert list(tmp_path.iterdir()) == []


def test_a_failing_client_keeps_its_error(tmp_path: Path) -> None:
    """What the client raised comes out, with what the engine thought of the request beside it."""
    with pytest.raises(httpx.HTTPStatusError) as caught, _expectation(tmp_path).served() as url:
        httpx.get(f"{url}/thing").raise_for_status()

    assert "mismatches: " in caught.value.__notes__[0]
    assert list(tmp_path.iterdir()) == []


def test_reading_needs_no_engine() -> None:
    """Whoever reads pacts, fills them in or looks states up does not load the engine."""
    code = (
        "import sys, bff_contracts.pact.file, bff_contracts.pact.binding, bff_contracts.states;"
        "print({'pact', 'pact_ffi', 'bff_clients', 'bff_mock_server'} & set(sys.modules))"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert run.stdout.strip() == "set()"
