"""Examples that are filled in for a request: compiled once, and checked by the engine once for each form."""

import json
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_contracts import engine
from bff_contracts.pact.binding import fill
from bff_contracts.pact.file import Interaction, shipped_pacts
from bff_mock_server._json import dumps
from bff_mock_server.responses.example import Example
from bff_mock_server.responses.filling import Filling
from tests.mock_server.building import interaction, pact, regex, request, rule

SHAPES = [one for each in shipped_pacts() for one in each.interactions if one.role and one.response.has_body]
IDS = regex("^[a-z0-9,-]+$")
X, Y, Z = "id-1", "id-2", "id-3"


def by_id(rules: dict[str, Any] | None = None, **parts: Any) -> Interaction:
    """A map keyed by the requested ids."""
    body = {X: {"id": X, "n": 1}, "total": 1}
    (made,) = pact(
        interaction(
            "by id", query={"ids": [X]}, rules={"query": {"ids": IDS}}, body=body, body_rules=rules or {}, **parts
        )
    ).interactions
    return made


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that the engine checked."""
    bodies: list[bytes] = []
    real = engine.response_mismatches

    def counted(example: Any, rules: Any, body: bytes, kind: Any) -> Any:
        bodies.append(body)
        return real(example, rules, body, kind)

    monkeypatch.setattr(engine, "response_mismatches", counted)
    return bodies


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.description)
@given(ids=st.lists(st.uuids().map(str), min_size=1, max_size=4, unique=True), user=st.text("aö%/'\"\\", min_size=1))
def test_a_shape_is_filled_in_as_for_the_judge(shape: Interaction, ids: list[str], user: str) -> None:
    """Two ways to the same answer: the compiled text, and the filled-in interaction."""
    path = shape.request.path
    query = {**shape.request.query}
    if "batch_ids" in query:
        query["batch_ids"] = (",".join(ids),)
    elif shape.request.path_rule is not None:
        last = path.rpartition("/")[2]
        path = (
            path.replace(last, quote(user, safe="")) if "/user/" in path else path.replace(path.split("/")[4], ids[0])
        )
    asked = request(path)
    asked.query = query
    filling = Filling(shape)

    assert json.loads(filling.body(filling.carried(asked))) == fill(shape, path=path, query=query).response.body


def test_what_no_request_changes_is_the_same_bytes() -> None:
    (made,) = pact(interaction("one", "/things/a-1", body={"name": "a", "of": [1, None, "é"]})).interactions

    assert Filling(made).constant == dumps({"name": "a", "of": [1, None, "é"]}).encode()


def test_each_way_of_filling_in_is_judged_once(judged: list[bytes]) -> None:
    example = Example(by_id({"$": rule({"match": "type"})}))

    bodies = [example.reply(request(f"/things?ids={ids}"), Random(0)).body for ids in (Y, Z, f"{X},{Y}", f"{Y},{Z}", Y)]

    assert [list(json.loads(body)) for body in bodies] == [
        [Y, "total"],
        [Z, "total"],
        [X, Y, "total"],
        [Y, Z, "total"],
        [Y, "total"],
    ]
    assert set(judged) == {bodies[0], bodies[2]}


def test_an_id_that_a_rule_names_is_judged_for_itself(judged: list[bytes]) -> None:
    example = Example(by_id({"$": rule({"match": "type"}), f"$['{Z}'].n": regex("^never$")}))

    bodies = [example.reply(request(f"/things?ids={ids}"), Random(0)).body for ids in (Y, Z)]

    assert [list(json.loads(body)) for body in bodies] == [[Y, "total"], [X, "total"]]
    assert len(set(judged)) == 2


def test_an_id_never_takes_the_place_of_another_member() -> None:
    example = Example(by_id({"$": rule({"match": "type"})}))

    assert list(json.loads(example.reply(request("/things?ids=total"), Random(0)).body)) == [X, "total"]


def test_a_value_that_its_rule_does_not_take_stays_the_examples() -> None:
    example = Example(by_id({"$": rule({"match": "type"}), "$.*.id": regex("^id-[0-9]$")}))

    found = json.loads(example.reply(request("/things?ids=other-7"), Random(0)).body)

    assert found == {"other-7": {"id": X, "n": 1}, "total": 1}
