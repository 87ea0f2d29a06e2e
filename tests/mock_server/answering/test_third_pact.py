"""A contract without a simulator is served by its rules and examples."""

from typing import Any

import pytest

from bff_contracts.platform import CMS, RAS
from bff_contracts.states import BATCHES_HAVE_CLASSES
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    HEADERS,
    USER,
    app_of,
    batch,
    batch_id,
    call,
    essay,
    interaction,
    pact,
    regex,
    rule,
    user_has,
)

PUPIL = regex("^/pupils/[a-z]+$")
KEYED: dict[str, Any] = {"rules": {"path": PUPIL, "header": {"X-Key": regex(r"^\S+$")}}}
SCHOOL = app_of(
    pact(
        interaction(
            "a pupil",
            "/pupils/anna",
            headers={"X-Key": ["k"]},
            body={"id": "anna", "marks": [5, 4]},
            body_rules={"$.id": rule({"match": "type"})},
            **KEYED,
        ),
        interaction("unknown", "/pupils/nobody", status=404, headers={"X-Key": ["k"]}, body={"error": "no"}, **KEYED),
        interaction("refused: no key", "/pupils/anna", status=401, rules={"path": PUPIL}, body={"error": "key"}),
        interaction("up", "/healthz"),
        provider="school-service",
    ),
)


@pytest.mark.parametrize(
    ("path", "headers", "status", "body"),
    [
        pytest.param("/pupils/bo", {"X-Key": "s"}, 200, {"id": "bo", "marks": [5, 4]}, id="filled-in"),
        pytest.param("/pupils/nobody", {"X-Key": "s"}, 404, {"error": "no"}, id="the-example-itself"),
        pytest.param("/pupils/bo", {}, 401, {"error": "key"}, id="refused"),
    ],
)
async def test_the_example_is_filled_in_for_the_request(
    path: str, headers: dict[str, str], status: int, body: Any
) -> None:
    answer = await call(SCHOOL, path, headers=headers)

    assert (answer.status, answer.json, answer.headers["content-type"]) == (status, body, "application/json")


async def test_an_example_is_attributed_by_its_query_too() -> None:
    ruled: dict[str, Any] = {"rules": {"query": {"id": regex("[a-z]+")}}}
    app = app_of(
        pact(
            interaction("found", query={"id": ["anna"]}, body={"id": "anna"}, **ruled),
            interaction("none", query={"id": ["nobody"]}, status=404, **ruled),
        )
    )

    statuses = [(await call(app, f"/things?id={name}")).status for name in ("anna", "bo", "nobody")]

    assert statuses == [200, 200, 404]


async def test_an_answer_without_a_body_is_empty() -> None:
    answer = await call(SCHOOL, "/healthz")

    assert (answer.status, answer.body, answer.headers) == (200, b"", {"content-length": "0"})


async def test_a_text_is_served_as_text() -> None:
    plain = interaction("text", body="hej")
    plain["response"]["body"]["contentType"] = "text/plain"
    answer = await call(app_of(pact(plain)), "/things")

    assert (answer.body, answer.headers["content-type"]) == (b"hej", "text/plain")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"body": {"batches": [], "pagination": {}}}, id="page-without-a-row"),
        pytest.param({"body": {"batches": [{"batch_id": "b"}]}}, id="list-without-pagination"),
        pytest.param({"body": {"batch_id": "elsewhere"}}, id="batch-that-the-path-does-not-name"),
        pytest.param(
            {"body": {"batches": [{"batch_id": "b", "user_id": "u"}], "pagination": {}}}, id="user-not-in-path"
        ),
        pytest.param({"body": {"reports": [1, 2]}}, id="something-else"),
        pytest.param({}, id="no-body"),
    ],
)
async def test_an_endpoint_that_the_simulator_does_not_know_is_served_by_its_example(parts: dict[str, Any]) -> None:
    contract = pact(
        interaction(
            "report", "/reports", role="shape", headers={"X-Internal-API-Key": ["k"], "X-Service-ID": ["s"]}, **parts
        ),
        interaction("refused: report", "/reports", status=401, body={"error": "Missing authentication"}),
        provider=RAS,
    )
    app = app_of(contract)

    answer = await call(app, "/reports", headers={"X-Internal-API-Key": "k", "X-Service-ID": "s"})

    assert (await call(app, "/reports", headers=HEADERS)).status == 401
    assert (answer.status, answer.json if answer.body else None) == (200, parts.get("body"))


@pytest.mark.parametrize(
    ("body", "state"),
    [
        pytest.param({"anna": {"class_id": "c"}}, BATCHES_HAVE_CLASSES, id="keys-that-no-parameter-has"),
        pytest.param({"bo": None}, BATCHES_HAVE_CLASSES, id="nothing-but-null"),
        pytest.param({"bo": {"class_id": "c"}}, "pupils are awake", id="state-that-is-not-in-the-catalogue"),
        pytest.param([], BATCHES_HAVE_CLASSES, id="no-map"),
    ],
)
async def test_classes_that_the_simulator_does_not_know_are_served_by_their_example(body: Any, state: str) -> None:
    states = [{"name": state}]
    contract = pact(interaction("classes", query={"ids": ["bo"]}, role="shape", body=body, states=states), provider=CMS)

    answer = await call(app_of(contract), "/things?ids=bo", headers={})

    assert (answer.status, answer.json) == (200, body)


async def test_an_unknown_batch_of_a_contract_without_a_404_is_its_example() -> None:
    ruled: dict[str, Any] = {"rules": {"path": regex("^/of/[a-z]+$")}}
    contract = pact(interaction("one", "/of/b", role="shape", body={"batch_id": "b", "n": 1}, **ruled), provider=RAS)

    answer = await call(app_of(contract, world=World()), "/of/c", headers={})

    assert (answer.status, answer.json) == (200, {"batch_id": "c", "n": 1})


async def test_what_only_other_answers_show_of_a_batch_is_served_when_it_is_known() -> None:
    ruled: dict[str, Any] = {"rules": {"path": regex("^/of/[^/]+$")}}
    row = {"batch_id": "b", "user_id": USER}
    page: Any = {"batches": [row], "pagination": {}}
    more: Any = {"batches": [{**row, "essay_count": 9}], "pagination": {}}
    contract = pact(
        interaction("page", f"/of/{USER}", role="shape", body=page, **ruled),
        interaction("more", f"/of/{USER}", body=more, **ruled),
        interaction("wrong", f"/of/{USER}", status=500, body={"batches": [{"failed_essay_count": 1}]}, **ruled),
        provider=RAS,
    )
    world = World()
    world.apply("user has exactly these batches", user_has(batch(1)))

    answer = await call(app_of(contract, world=world), f"/of/{USER}", headers={})

    assert answer.json["batches"] == [{"batch_id": batch_id(1), "user_id": USER, "essay_count": 3}]


async def test_a_field_of_an_essay_that_the_contract_does_not_have_is_not_served() -> None:
    ruled: dict[str, Any] = {"rules": {"path": regex("^/of/[^/]+$")}}
    body: Any = {"batch_id": "b", "essays": [{"essay_id": "e"}]}
    contract = pact(interaction("one", "/of/b", role="shape", body=body, **ruled), provider=RAS)
    world = World()
    world.apply("user has exactly these batches", user_has(batch(1, essays=[essay("pending", None)])))

    answer = await call(app_of(contract, world=world), f"/of/{batch_id(1)}", headers={})

    assert answer.json == {"batch_id": batch_id(1), "essays": [{"essay_id": "e"}]}


async def test_a_new_field_of_the_contract_is_served_without_code() -> None:
    row = {"batch_id": "b", "user_id": USER, "colour": "red", "weight": 3}
    contract = pact(
        interaction(
            "page",
            f"/of/{USER}",
            role="shape",
            rules={"path": regex("^/of/[^/]+$")},
            body={"batches": [row], "pagination": {"limit": 1, "offset": 0, "total": 1, "pages": 7}},
        ),
        provider=RAS,
    )
    world = World()
    world.apply("user has exactly these batches", {"user_id": USER, "batches": []})

    answer = await call(app_of(contract, world=world), f"/of/{USER}")

    assert answer.json == {"batches": [], "pagination": {"limit": 20, "offset": 0, "total": 0, "pages": 7}}
