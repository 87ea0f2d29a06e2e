"""Refusals as text, and the answers of a lenient mock."""

import json
from typing import Any

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.states import BATCHES_HAVE_CLASSES, USER_HAS_BATCHES
from bff_mock_server import MockApp
from bff_mock_server.matching.match import RequestDifference
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.refusal import complain, differences_header
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    HEADERS,
    USER,
    app_of,
    batch,
    batch_id,
    call,
    cms_app,
    interaction,
    pact,
    ras_app,
    user_has,
)
from tests.support.golden import Golden

PATH = f"/internal/v1/batches/user/{USER}"
PAGE = f"{PATH}?limit=20&offset=0"


@pytest.mark.parametrize("accept", ["text/plain", "text/html, text/plain;q=0.5", "text/html,TEXT/plain"])
async def test_a_refusal_is_text_for_a_client_that_prefers_text(accept: str, golden: Golden) -> None:
    answer = await call(ras_app(), f"{PATH}?limit=500&offset=0", headers={**HEADERS, "Accept": accept})

    assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    golden.check(answer.body.decode())


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/plain", "application/problem+json", ""])
async def test_everyone_else_gets_json(accept: str) -> None:
    answer = await call(ras_app(), f"{PAGE}&sort=up", headers={**HEADERS, "Accept": accept})

    assert answer.json["differences"][0]["where"] == "query sort"


THINGS = pact(
    interaction("a red thing", query={"colour": ["red"], "n": ["1"]}, headers={"X-Service": ["bff"]}),
    interaction("make one", method="POST"),
)


async def test_a_refusal_in_text_is_complete(golden: Golden) -> None:
    answer = await call(app_of(THINGS), "/things?colour=pink&size=2", headers={"Accept": "text/plain"})

    assert "allow" not in answer.headers
    golden.check(answer.body.decode())


async def test_a_refusal_in_json_is_complete(golden: Golden) -> None:
    answer = await call(app_of(THINGS), "/things", method="PUT", headers={})

    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json == {
        "type": "about:blank",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": answer.json["detail"],
        "closest": {"interaction": "a red thing", "method": "GET", "path": "/things"},
        "differences": [
            {
                "where": "method",
                "rule": "equality",
                "expected": "one of GET, POST",
                "actual": "PUT",
                "change": answer.json["differences"][0]["change"],
            }
        ],
    }
    golden.check(answer.json["detail"])


async def test_several_changes_are_listed(golden: Golden) -> None:
    answer = await call(app_of(THINGS), "/things?colour=pink&n=1", headers={})

    assert "allow" not in answer.headers
    golden.check(answer.json["detail"])


async def test_the_allowed_methods_are_sent_with_text_too() -> None:
    answer = await call(app_of(THINGS), "/things", method="PUT", headers={"Accept": "text/plain"})

    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_path_of_another_service_is_reported_as_that_alone() -> None:
    app = cms_app(elsewhere=shipped_pacts())
    verdict = f"The contract with class-management-service does not allow GET {PATH}."
    hint = " That path belongs to result-aggregator-service: check the base URL."

    answer = await call(app, PAGE)
    text = await call(app, PAGE, headers={**HEADERS, "Accept": "text/plain"})

    assert answer.json == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": verdict + hint}
    assert text.body.decode() == f"{verdict}{hint}\n"


async def test_an_empty_contract_is_reported(golden: Golden) -> None:
    text = await call(app_of(pact()), "/x", headers={"Accept": "text/plain"})
    answer = await call(app_of(pact()), "/x", headers={})

    assert text.body.decode() == f"{answer.json['detail']}\n"
    golden.check(answer.json["detail"])


@pytest.fixture
def ras() -> MockApp:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1), batch(2, internal_status="cancelled")))
    return ras_app(world, lenient=True)


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        pytest.param(f"{PATH}?limit=0&offset=0", 200, {"limit": 0, "offset": 0, "total": 2}, id="limit-of-zero"),
        pytest.param(PATH, 200, {"limit": 20, "offset": 0, "total": 2}, id="no-query"),
        pytest.param(f"{PATH}?limit=x&offset=1.5", 200, {"limit": 20, "offset": 0, "total": 2}, id="no-numbers"),
        pytest.param(f"{PATH}?limit=500&offset=0", 200, {"limit": 500, "offset": 0, "total": 2}, id="limit-too-large"),
        pytest.param(f"{PATH}?limit=-1&offset=0", 500, "Internal server error", id="negative-limit"),
        pytest.param(f"{PATH}?limit={2**63}&offset=0", 500, "Internal server error", id="limit-beyond-bigint"),
        pytest.param(f"{PATH}?limit=1&offset={2**63}", 500, "Internal server error", id="offset-beyond-bigint"),
        pytest.param(f"{PAGE}&status=processing", 500, "Internal server error", id="client-status"),
        pytest.param(f"{PAGE}&sort=up", 200, {"limit": 20, "offset": 0, "total": 2}, id="unknown-parameter"),
        pytest.param(f"/internal/v1/batches/{batch_id(1).upper()}/status", 404, "Batch not found", id="upper-case"),
        pytest.param("/internal/v1/batches/not-a-uuid/status", 404, "Batch not found", id="malformed"),
        pytest.param(f"{PAGE}&sort={'x' * 5000}", 200, {"limit": 20, "offset": 0, "total": 2}, id="long-value"),
    ],
)
async def test_a_lenient_mock_answers_like_ras_and_lists_the_ignored_differences(
    ras: MockApp, target: str, status: int, body: Any
) -> None:
    answer = await call(ras, target)

    assert answer.status == status
    assert answer.json.get("error", answer.json.get("pagination")) == body
    assert json.loads(answer.headers["x-mock-differences"]) != []


async def test_what_was_overlooked_is_json_in_a_header(ras: MockApp) -> None:
    answer = await call(ras, f"{PAGE}&sort=%C3%A5")

    assert json.loads(answer.headers["x-mock-differences"]) == [
        {"where": "query sort", "rule": "absent", "expected": None, "actual": "å", "change": "leave out query sort"}
    ]


async def test_the_header_stays_small_enough_to_be_taken(ras: MockApp) -> None:
    answer = await call(ras, f"{PAGE}&" + "&".join(f"x{number}={'y' * 50}" for number in range(90)))

    assert answer.status == 200
    assert len(answer.headers["x-mock-differences"]) <= 3000
    assert json.loads(answer.headers["x-mock-differences"])[0]["where"] == "query x0"


@pytest.mark.parametrize(
    ("accept", "body"),
    [
        pytest.param({"accept": "text/plain"}, b"no '\\ud800'\n", id="text"),
        pytest.param({}, None, id="no-preference"),
    ],
)
def test_a_refusal_has_the_format_that_the_client_accepts(accept: dict[str, str], body: bytes | None) -> None:
    reply = complain(400, "no '\ud800'", Asked("GET", "/", {}, accept))

    assert reply.status == 400
    assert reply.headers[0][1] == (b"application/problem+json" if body is None else b"text/plain; charset=utf-8")
    assert body is None or reply.body == body


def test_a_header_without_differences_is_an_empty_list() -> None:
    assert differences_header([]) == (b"x-mock-differences", b"[]")


@pytest.mark.parametrize(("length", "shown"), [(200, "x" * 200), (201, "x" * 200 + "…")])
def test_a_value_of_a_difference_has_at_most_200_characters(length: int, shown: str) -> None:
    _, text = differences_header([RequestDifference("query a", "absent", None, "x" * length)])

    assert json.loads(text)[0]["actual"] == shown


async def test_what_the_contract_allows_has_no_such_header(ras: MockApp) -> None:
    assert "x-mock-differences" not in (await call(ras, PAGE)).headers


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        pytest.param("", 200, {}, id="missing"),
        pytest.param("?batch_ids=", 200, {}, id="empty"),
        pytest.param(f"?batch_ids={batch_id(1)},nonsense", 400, {"error": "Invalid UUID format"}, id="malformed"),
        pytest.param(f"?batch_ids={batch_id(1).upper()}", 200, {batch_id(1): None}, id="canonical-keys"),
        pytest.param(f"?batch_ids={batch_id(1)}&batch_ids={batch_id(2)}", 200, {batch_id(1): None}, id="first-counts"),
    ],
)
async def test_a_lenient_mock_answers_as_cms_does(query: str, status: int, body: Any) -> None:
    world = World()
    world.apply(BATCHES_HAVE_CLASSES, {"classes": {batch_id(1): None}})
    app = cms_app(world, lenient=True)

    answer = await call(app, f"/internal/v1/batches/class-info{query}")

    assert (answer.status, answer.json) == (status, body)


@pytest.mark.parametrize("name", ["x-api-key", "X-Auth-Token", "Client-Secret"])
async def test_what_looks_like_a_secret_is_neither_shown_nor_kept(name: str) -> None:
    app = app_of(pact(interaction("a", headers={name: ["right"]}, query={"api_key": ["right"]})))

    answer = await call(app, "/things?api_key=wrong-swordfish", headers={name: "wrong-swordfish"})

    assert answer.json["differences"][0]["actual"] == "(not shown)"
    assert b"swordfish" not in answer.body
    assert "swordfish" not in repr(app.mock.journal.exchanges())


@pytest.mark.parametrize("query", ["token=swordfish", "api_key=right&api_key=swordfish", "api_key=swordfish"])
async def test_no_value_of_a_secret_parameter_is_shown(query: str) -> None:
    app = app_of(pact(interaction("a", query={"api_key": ["right"]})))

    answer = await call(app, f"/things?{query}", headers={})

    assert answer.status == 400
    assert b"swordfish" not in answer.body


async def test_keys_are_not_overlooked(ras: MockApp) -> None:
    assert (await call(ras, PAGE, headers={})).status == 401


@pytest.mark.parametrize(
    "target",
    [
        "/nowhere",
        "/internal/v1/batches/a/b/status",
        "/internal/v1/batches//status",
        "/internal/v2/batches/user/x",
        "/internal/v1/batches/user/a%2Fb",
        "/internal/v1/batches/user/",
    ],
)
async def test_an_unknown_path_stays_rejected(ras: MockApp, target: str) -> None:
    assert (await call(ras, target)).status == 404


async def test_a_contract_without_a_simulator_answers_with_the_nearest_example() -> None:
    app = app_of(pact(interaction("a", query={"n": ["1"]}, body={"id": 1})), lenient=True)

    answer = await call(app, "/things?n=2")

    assert (answer.status, answer.json) == (200, {"id": 1})
