"""What this project leans on in the official engine is there, and what the engine decides is what is served."""

from types import SimpleNamespace

import pytest

from bff_contracts.engine import (
    FUNCTIONS,
    EngineError,
    RequestJudge,
    Sent,
    missing_functions,
    refused_rule,
    response_mismatches,
)
from bff_contracts.pact.content import Content
from bff_contracts.pact.file import Request, Rule
from tests.support.golden import Golden

PLAIN = Request("GET", "/", {}, {}, None, {}, {})


def test_the_engine_has_every_function_that_is_called() -> None:
    missing = missing_functions()

    assert not missing, f"this version of pact_ffi lacks {', '.join(missing)}, which bff_contracts/engine.py calls"


def test_a_missing_function_is_named() -> None:
    without = SimpleNamespace(**dict.fromkeys(FUNCTIONS[1:]))

    assert missing_functions(without) == [FUNCTIONS[0]]


def test_a_response_is_not_judged_by_an_engine_that_lacks_a_function(
    monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.delattr("pact_ffi.with_body")

    with pytest.raises(EngineError) as refused:
        response_mismatches(Content({"never": "asked before"}, "application/json", is_json=True), {}, b"{}", None)

    golden.check(str(refused.value))


def test_a_rule_that_the_engine_cannot_read_is_named() -> None:
    rule = Rule("AND", ({"match": "integer"},))
    request = Request("POST", "/", {}, {}, None, {}, {}, rules={"$.a": rule, "$..id": rule})

    assert refused_rule(request) == "body['$..id']"
    assert refused_rule(PLAIN) is None


def test_a_judge_goes_on_after_as_many_decisions_as_a_server_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bff_contracts.engine._KEPT", 2)
    judge = RequestJudge(PLAIN)

    assert [judge.allows(Sent("GET", path)) for path in ("/", "/a", "/", "/a", "/")] == [True, False] * 2 + [True]


def test_an_unexpected_member_of_a_request_is_a_difference() -> None:
    request = Request("POST", "/", {}, {}, None, {}, {}, content=Content({"a": 1}, "application/json", is_json=True))
    judge = RequestJudge(request)

    found = judge.mismatches(Sent("POST", "/", (), b'{"a":1,"b":2}'))

    assert [(one.kind, one.place) for one in found] == [("BodyMismatch", "$")]
