"""Reading pact files: what is said about a bad one."""

from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact.file import PactError, load_pact
from tests.contracts.pact.thing import Change, changing, read, response_of, thing_of


def _rule(rule: Any) -> Change:
    return lambda pact: response_of(pact).update(matchingRules={"body": {"$.a": rule}})


def _twins(pact: Any) -> list[Any]:
    """The states of the thing with another param, which comes first in one of them and last in the other."""
    first, *others = thing_of(pact)["providerStates"]
    first["params"] = {"id": "x", "n": 1}
    return [{**first, "params": {"n": 1, "id": "x"}}, *others]


AT = "a.json: interaction 'a thing': $.interactions[0]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            changing(lambda pact: pact.pop("metadata")),
            "a.json: $: not a pact: no $.metadata.pactSpecification.version",
            id="no-version",
        ),
        pytest.param(
            changing(lambda pact: pact["metadata"]["pactSpecification"].update(version="1.1.0")),
            "a.json: $.metadata.pactSpecification.version: expected a pact of specification version 2, 3 or 4, found"
            " version 1.1.0",
            id="version-1",
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
            changing(lambda pact: thing_of(pact).update(type="Asynchronous/Messages")),
            f"{AT}.type: expected 'Synchronous/HTTP', found 'Asynchronous/Messages'",
            id="message",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].pop("path")), f"{AT}.request.path: is missing", id="no-path"
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(query={"ids": [True]})),
            f"{AT}.request.query.ids[0]: expected a string, found a boolean",
            id="query-as-boolean",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(providerStates=[{"name": "a", "params": []}])),
            f"{AT}.providerStates[0].params: expected an object, found an array",
            id="params-as-list",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(path=None)),
            f"{AT}.request.path: expected a string, found null",
            id="path-as-null",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(headers={"X Y": [["a"]]})),
            f"{AT}.request.headers['X Y'][0]: expected a string, found an array",
            id="header-as-list-of-lists",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(query={"_a-1": 1.5})),
            f"{AT}.request.query._a-1: expected an array, found a number",
            id="query-as-number",
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
            changing(lambda pact: thing_of(pact).pop("response")), f"{AT}.response: is missing", id="no-response"
        ),
        pytest.param(changing(lambda pact: thing_of(pact).pop("type")), f"{AT}.type: is missing", id="no-type"),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(providerStates=[{}])),
            f"{AT}.providerStates[0].name: is missing",
            id="state-without-a-name",
        ),
        pytest.param(
            changing(lambda pact: response_of(pact).update(body={"contentType": "a"})),
            f"{AT}.response.body.content: is missing",
            id="body-without-content",
        ),
        pytest.param(
            changing(lambda pact: response_of(pact)["body"].update(encoded="JSON", content=5)),
            f"{AT}.response.body.content: expected a string, found a number",
            id="encoded-number",
        ),
        pytest.param(
            changing(lambda pact: response_of(pact)["body"].update(contentType=5)),
            f"{AT}.response.body.contentType: expected a string, found a number",
            id="content-type-as-number",
        ),
        pytest.param(
            changing(lambda pact: pact["metadata"].update(pactSpecification={}, pactSpecificationVersion=4)),
            "a.json: $.metadata.pactSpecificationVersion: expected a string, found a number",
            id="version-as-number",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "type", "regex": 5}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].regex: expected a string, found a number",
            id="regex-as-number",
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
        pytest.param(_rule({}), f"{AT}.response.matchingRules.body['$.a'].matchers: is missing", id="no-matchers"),
        pytest.param(
            _rule({"matchers": [{}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].match: is missing",
            id="no-match",
        ),
        pytest.param(
            _rule({"matchers": [{"match": "regex", "regex": "("}]}),
            f"{AT}.response.matchingRules.body['$.a'].matchers[0].regex: not a regular expression"
            " (missing ), unterminated subpattern at position 0)",
            id="regex",
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
        pytest.param(
            changing(lambda pact: pact["interactions"].append(thing_of(pact))),
            "a.json: interaction 'a thing': $.interactions[1]: another interaction has the same description and states",
            id="twins",
        ),
        pytest.param(
            changing(lambda pact: pact["interactions"].append(thing_of(pact) | {"providerStates": _twins(pact)})),
            "a.json: interaction 'a thing': $.interactions[1]: another interaction has the same description and states",
            id="twins-but-for-the-order-of-their-params",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(headers={"X-Key": 5})),
            f"{AT}.request.headers.X-Key: expected an array, found a number",
            id="header-as-number",
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
