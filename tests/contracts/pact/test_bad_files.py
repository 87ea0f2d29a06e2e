"""Reading pact files: what is said about a bad one."""

from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact.content import content_of
from bff_contracts.pact.file import PactError, load_pact, read_pact
from tests.contracts.pact.thing import Change, changing, read, response_of, thing_of


def _rule(rule: Any) -> Change:
    return lambda pact: response_of(pact).update(matchingRules={"body": {"$.a": rule}})


AT = "a.json: interaction 'a thing': $.interactions[0]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            changing(lambda pact: pact.pop("metadata") and pact.pop("interactions")),
            "a.json: $: not a pact: no $.metadata.pactSpecification.version, no $.interactions",
            id="no-version",
        ),
        pytest.param(
            changing(lambda pact: pact["metadata"]["pactSpecification"].update(version="5.0")),
            "a.json: $.metadata.pactSpecification.version: expected a pact of specification version 1 to 4, found"
            " version 5.0",
            id="version-5",
        ),
        pytest.param(changing(lambda pact: pact.pop("provider")), "a.json: $.provider: is missing", id="no-provider"),
        pytest.param(
            changing(lambda pact: pact.update(interactions={})),
            "a.json: $.interactions: expected an array, found an object",
            id="interactions-as-object",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(description=5)),
            "a.json: $.interactions[0].description: expected a string, found a number",
            id="description-as-number",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(providerStates=[{"name": "a", "params": []}])),
            f"{AT}.providerStates[0].params: expected an object, found an array",
            id="params-as-list",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(headers={"X Y": [["a"]]})),
            f"{AT}.request.headers['X Y'][0]: expected a string, found an array",
            id="header-as-list-of-lists",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(comments="shape")),
            f"{AT}.comments: expected an object, found a string",
            id="comments-as-text",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(comments={"role": 1})),
            f"{AT}.comments.role: expected a string, found a number",
            id="role-as-number",
        ),
        pytest.param(
            changing(lambda pact: response_of(pact).update(status=True)),
            f"{AT}.response.status: expected an integer, found a boolean",
            id="status-as-boolean",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(providerStates=[{}])),
            f"{AT}.providerStates[0].name: is missing",
            id="state-without-a-name",
        ),
        pytest.param(
            changing(lambda pact: response_of(pact).update(status="200")),
            f"{AT}.response.status: expected an integer, found a string",
            id="status-as-text",
        ),
        pytest.param(
            changing(lambda pact: response_of(pact).update(body={"content": "%", "encoded": "base64"})),
            f"{AT}.response.body.content: cannot be decoded (Only base64 data is allowed)",
            id="not-base64",
        ),
        pytest.param(
            _rule({"combine": "XOR", "matchers": []}),
            f"{AT}.response.matchingRules.body['$.a'].combine: expected one of AND, OR, found 'XOR'",
            id="combination",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(type="Telepathy")),
            f"{AT}.type: expected 'Synchronous/HTTP', found 'Telepathy'",
            id="unknown-type",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(path="\ud800")),
            "a.json: $: half of a character (\\ud800) that cannot be sent",
            id="half-a-character",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["response"].update(body=float("nan"))),
            "a.json: $: not JSON (NaN is no number of JSON)",
            id="nan",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["response"].update(body={"a": float("-inf")})),
            "a.json: $: not JSON (-Infinity is no number of JSON)",
            id="infinity",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "regex"}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].regex: is missing",
            id="no-regex",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "include"}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].value: is missing",
            id="include-without-a-value",
        ),
    ],
)
def test_bad_file(change: Change, message: str) -> None:
    """The message names the file, the interaction and the place."""
    with pytest.raises(PactError) as caught:
        read(change)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            b"{",
            "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
            id="not-json",
        ),
        pytest.param(b"\xff", "not UTF-8 text (invalid start byte at byte 0)", id="not-utf-8"),
        pytest.param(b"null", "expected an object, found null", id="null"),
    ],
)
def test_not_a_pact(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no pact at all is named by its path."""
    path = tmp_path / "b.json"
    path.write_bytes(content)

    with pytest.raises(PactError) as caught:
        load_pact(path)

    assert str(caught.value) == f"{path}: $: {message}"


def test_a_number_that_is_too_large_is_refused() -> None:
    with pytest.raises(PactError, match="1e999 is too large for a number"):
        read_pact('{"interactions": [1e999]}', source="a.json")


def test_a_text_that_is_only_nearly_json_is_a_text() -> None:
    found = content_of({"content": "[NaN]", "contentType": "application/json", "encoded": "JSON"}, None)

    assert found is not None
    assert found.is_json is False
