"""How interactions are described to people."""

from typing import Any

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.pact.wording import endpoint_of, freedoms
from tests.contracts.pact.thing import read, response_of


def test_an_endpoint_is_named_without_an_id() -> None:
    """Every segment that a request may change is named after the param that fills it."""
    shapes = [each for pact in shipped_pacts() for each in pact.interactions if each.role is not None]

    assert {endpoint_of(shape) for shape in shapes} >= {
        "GET /healthz",
        "GET /internal/v1/batches/class-info",
        "GET /internal/v1/batches/user/{user_id}",
        "GET /internal/v1/batches/{batch_id}/status",
        "GET /internal/v1/batches/{batch_id}/student-names",
    }


def test_the_type_of_the_example_is_named_where_the_contract_asks_for_no_more() -> None:
    """Also below lists and maps; a place that the example lacks is described without a type."""
    body = {"name": "x", "items": [{"id": 1}], "by_id": {"b": {"is_new": True}}}
    paths = ["$.name", "$.items", "$.items[*].id", "$.by_id.*.is_new", "$.by_id", "$.items[7]", "$.items.name"]

    def change(pact: Any) -> None:
        response = response_of(pact)
        response["body"]["content"] = body
        response["matchingRules"]["body"] = {path: {"matchers": [{"match": "type"}]} for path in paths}

    assert [words for _, words in freedoms(read(change))] == [
        "a text",
        "a list",
        "a number",
        "a boolean",
        "an object",
        "any value of this type",
        "any value of this type",
    ]
