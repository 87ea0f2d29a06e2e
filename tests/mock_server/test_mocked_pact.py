"""Any pact file served in place: `mocked_pact`, the fixture and the context manager."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bff_mock_server import Backends, PactError
from bff_mock_server.testing import mocked_pact as open_pact
from tests.mock_server.building import interaction, pact, regex
from tests.support.golden import Golden

pytestmark = pytest.mark.anyio


@pytest.fixture
def entitlements(tmp_path: Path) -> Path:
    made = interaction("rights", "/users/u1/rights", body={"user": "u1"}, rules={"path": regex("/users/[^/]+/rights")})
    made["response"]["matchingRules"] = {"body": {"$.user": {"matchers": [{"match": "type"}]}}}
    path = tmp_path / "entitlements.json"
    path.write_text(json.dumps(pact(made).document), encoding="utf-8")
    return path


MocksPact = Callable[..., Backends]


def test_any_pact_file_answers_beside_the_backends(
    entitlements: Path, mocked_pact: MocksPact, backends: Backends
) -> None:
    mocked_pact(entitlements, base_url="http://entitlements")

    assert httpx.get("http://entitlements/users/u7/rights").status_code == 200
    assert httpx.get(f"{backends.ras_url}/healthz").status_code == 200


def test_any_pact_file_answers_a_sync_client(entitlements: Path, mocked_pact: MocksPact) -> None:
    mocked_pact(entitlements, base_url="http://entitlements/api")

    assert httpx.get("http://entitlements/api/users/u7/rights").json() == {"user": "u7"}


async def test_any_pact_file_answers_in_process(entitlements: Path, mocked_pact: MocksPact) -> None:
    mocked = mocked_pact(entitlements, base_url="http://entitlements/api")

    async with httpx.AsyncClient(base_url="http://entitlements/api") as http:
        answer = await http.get("/users/u8/rights")
        refused = await http.get("/users")

    assert (answer.json(), refused.status_code) == ({"user": "u8"}, 404)
    assert [exchange.path for exchange in mocked.requests] == ["/users/u8/rights", "/users"]


def test_the_answers_of_any_pact_file_can_go_wrong(entitlements: Path) -> None:
    with open_pact(entitlements, base_url="http://entitlements") as mocked:
        mocked.fail(fault="status=503")

        assert httpx.get("http://entitlements/users/u1/rights").status_code == 503

        mocked.recover()
        assert httpx.get("http://entitlements/users/u1/rights").status_code == 200


def test_a_pact_file_without_an_http_interaction_is_refused(
    tmp_path: Path, mocked_pact: MocksPact, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    document = {**pact().document, "interactions": [{"type": "Asynchronous/Messages", "description": "a message"}]}
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(PactError) as refused:
        mocked_pact(path, base_url="http://messages")

    for text in (str(refused.value), *caplog.messages):
        golden.check(text.replace(str(tmp_path), "FOLDER"))


def test_a_key_that_is_accepted_is_in_no_record(entitlements: Path) -> None:
    with open_pact(entitlements, base_url="http://entitlements", keys=frozenset({"the-key-of-today"})) as mocked:
        httpx.get("http://entitlements/users/the-key-of-today/rights")

        assert "the-key-of-today" not in repr(mocked.requests)
