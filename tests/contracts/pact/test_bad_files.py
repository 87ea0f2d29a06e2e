"""Reading pact files: what is said about a bad one."""

import os
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact.content import content_of
from bff_contracts.pact.file import PactError, load_pact, read_pact
from tests.contracts.pact.thing import Change, changing, read, response_of, thing_of
from tests.support.golden import Golden


def _rule(rule: Any) -> Change:
    return lambda pact: response_of(pact).update(matchingRules={"body": {"$.a": rule}})


AT = "a.json: interaction 'a thing': $.interactions[0]"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(changing(lambda pact: pact.pop("metadata") and pact.pop("interactions")), id="no-version"),
        pytest.param(
            changing(lambda pact: pact["metadata"]["pactSpecification"].update(version="5.0")), id="version-5"
        ),
        pytest.param(changing(lambda pact: pact.pop("provider")), id="no-provider"),
        pytest.param(changing(lambda pact: pact.update(interactions={})), id="interactions-as-object"),
        pytest.param(changing(lambda pact: thing_of(pact).update(description=5)), id="description-as-number"),
        pytest.param(
            changing(lambda pact: thing_of(pact).update(providerStates=[{"name": "a", "params": []}])),
            id="params-as-list",
        ),
        pytest.param(
            changing(lambda pact: thing_of(pact)["request"].update(headers={"X Y": [["a"]]})),
            id="header-as-list-of-lists",
        ),
        pytest.param(changing(lambda pact: thing_of(pact).update(comments="shape")), id="comments-as-text"),
        pytest.param(changing(lambda pact: thing_of(pact).update(comments={"role": 1})), id="role-as-number"),
        pytest.param(changing(lambda pact: response_of(pact).update(status=True)), id="status-as-boolean"),
        pytest.param(changing(lambda pact: thing_of(pact).update(providerStates=[{}])), id="state-without-a-name"),
        pytest.param(changing(lambda pact: response_of(pact).update(status="200")), id="status-as-text"),
        pytest.param(
            changing(lambda pact: response_of(pact).update(body={"content": "%", "encoded": "base64"})), id="not-base64"
        ),
        pytest.param(_rule({"combine": "XOR", "matchers": []}), id="combination"),
        pytest.param(changing(lambda pact: thing_of(pact).update(type="Telepathy")), id="unknown-type"),
        pytest.param(changing(lambda pact: thing_of(pact)["request"].update(path="\ud800")), id="half-a-character"),
        pytest.param(changing(lambda pact: thing_of(pact)["response"].update(body=float("nan"))), id="nan"),
        pytest.param(
            changing(lambda pact: thing_of(pact)["response"].update(body={"a": float("-inf")})), id="infinity"
        ),
        pytest.param(_rule({"matchers": [{"match": "regex"}]}), id="no-regex"),
        pytest.param(_rule({"matchers": [{"match": "include"}]}), id="include-without-a-value"),
    ],
)
def test_bad_file(change: Change, golden: Golden) -> None:
    """The message names the file, the interaction and the place."""
    with pytest.raises(PactError) as caught:
        read(change)

    golden.check(str(caught.value))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{", id="not-json"),
        pytest.param(b"\xff", id="not-utf-8"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"interactions": [{"request": {"path": "/a", "method": "GET", "path": "/b"}}]}', id="twice"),
    ],
)
def test_not_a_pact(tmp_path: Path, content: bytes, golden: Golden) -> None:
    """A file that is not a pact is named by its path."""
    path = tmp_path / "b.json"
    path.write_bytes(content)

    with pytest.raises(PactError) as caught:
        load_pact(path)

    golden.check(str(caught.value).removeprefix(f"{tmp_path}/"))


def test_a_pipe_is_no_file(tmp_path: Path, golden: Golden) -> None:
    """Nobody may ever write to it."""
    path = tmp_path / "a.json"
    os.mkfifo(path)

    with pytest.raises(OSError) as refused:  # noqa: PT011  # the golden file has its message
        load_pact(path)

    golden.check(refused.value.args[1])


def test_a_file_without_end_is_not_read(tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(OSError) as refused:  # noqa: PT011  # the same
        load_pact(path)

    golden.check(refused.value.args[1])


def test_a_number_that_is_too_large_is_refused(golden: Golden) -> None:
    with pytest.raises(PactError) as caught:
        read_pact('{"interactions": [1e999]}', source="a.json")

    golden.check(str(caught.value))


def test_a_text_that_is_only_nearly_json_is_a_text() -> None:
    found = content_of({"content": "[NaN]", "contentType": "application/json", "encoded": "JSON"}, None)

    assert found is not None
    assert found.is_json is False
