"""A contract is compiled to a table, or rejected with the place of the problem."""

from typing import Any
from urllib.parse import quote

import pytest

from bff_contracts.pact.file import PactError, shipped_pacts
from bff_contracts.pact.text_rules import Check
from bff_mock_server.answering.simulators import CREDENTIALS
from bff_mock_server.matching.match import Matched, match_endpoint
from bff_mock_server.matching.table import compile_pact
from tests.mock_server.building import interaction, pact, regex, request, rule
from tests.support.golden import Golden

THING = regex("^/things/[a-z]+$")


def check_of(matcher: dict[str, Any], *, example: str = "20") -> Check:
    table = compile_pact(pact(interaction("a", query={"limit": [example]}, rules={"query": {"limit": rule(matcher)}})))
    return table.endpoints[0].entries[0].query["limit"][0]


@pytest.mark.parametrize(
    ("matcher", "good", "bad"),
    [
        pytest.param({"match": "equality"}, "20", "21", id="equality"),
        pytest.param({"match": "regex", "regex": "[0-9]+"}, "7", "7x", id="regex-of-the-whole-value"),
        pytest.param({"match": "include", "value": "ab"}, "xaby", "xb", id="include"),
    ],
)
def test_each_matcher_accepts_good_values_and_rejects_bad_ones(matcher: dict[str, Any], good: str, bad: str) -> None:
    check = check_of(matcher)

    assert (check.rule, bool(check.accepts(good)), bool(check.accepts(bad))) == (matcher["match"], True, False)


def test_the_type_matcher_takes_any_text() -> None:
    assert check_of({"match": "type"}).accepts("anything")


@pytest.mark.parametrize(
    ("matcher", "words"),
    [
        pytest.param({"match": "equality"}, "20", id="equality"),
        pytest.param({"match": "regex", "regex": "[0-9]+"}, "a text that matches [0-9]+", id="regex"),
        pytest.param({"match": "include", "value": "ab"}, "a text that contains 'ab'", id="include"),
        pytest.param({"match": "type"}, "any text", id="type"),
    ],
)
def test_each_matcher_says_what_it_takes(matcher: dict[str, Any], words: str) -> None:
    assert check_of(matcher).identity == (matcher["match"], words)


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        pytest.param(rule({"match": "integer"}), ["3", "+5"], ["3.0", "x", "1e3"], id="integer"),
        pytest.param(rule({"match": "decimal"}), ["3.25", ".5"], ["three"], id="decimal"),
        pytest.param(rule({"match": "number"}), ["3.25", "1e3", "-0"], ["three"], id="number"),
        pytest.param(rule({"match": "boolean"}), ["true", "false"], ["no"], id="boolean"),
        pytest.param(rule({"match": "date", "format": "yyyy-MM-dd"}), ["2025-02-28"], ["2025-02-30"], id="date"),
        pytest.param(regex("[[:alpha:]]+"), ["abc"], ["1"], id="another-dialect"),
        pytest.param(rule({"match": "integer"}, {"match": "regex", "regex": "1.*"}), ["12"], ["2", "1x"], id="and"),
        pytest.param(rule({"match": "integer"}, {"match": "regex", "regex": "1.*"}, combine="OR"), ["12", "2", "1x"],
                     ["x"], id="or"),
    ],
)  # fmt: skip
def test_the_engine_decides_about_rules_that_are_not_compiled(rules: Any, good: list[str], bad: list[str]) -> None:
    table = compile_pact(pact(interaction("a", query={"n": ["10"]}, rules={"query": {"n": rules}})))

    def is_allowed(value: str) -> bool:
        asked = request(f"/things?n={quote(value)}", headers={})
        return isinstance(match_endpoint(table.endpoints[0], asked), Matched)

    assert [value for value in [*good, *bad] if is_allowed(value)] == good


def test_the_engine_decides_about_a_path_that_is_not_compiled() -> None:
    table = compile_pact(pact(interaction("a", "/days/2026-01-31", rules={"path": regex(r"/days/\p{Nd}{4}")})))

    assert [bool(table.at(path)) for path in ("/days/2026", "/days/x", "/days/2026")] == [True, False, True]


@pytest.mark.parametrize("key", ["limit", "limit[0]", "$.limit[0]", "$['limit'][0]", "$.limit"])
def test_a_rule_is_found_however_its_key_is_spelled(key: str) -> None:
    table = compile_pact(pact(interaction("a", query={"limit": ["20"]}, rules={"query": {key: regex("[0-9]+")}})))

    assert table.endpoints[0].entries[0].query["limit"][0].rule == "regex"


@pytest.mark.parametrize("key", ["X-Id", "x-id[0]", "$.X-Id[0]", "$['x-id'][0]"])
def test_a_rule_about_a_header_is_found_however_its_key_is_spelled(key: str) -> None:
    table = compile_pact(pact(interaction("a", headers={"X-Id": ["1"]}, rules={"header": {key: regex("[0-9]+")}})))
    ((_, check),) = table.endpoints[0].entries[0].headers

    assert [bool(check.accepts(value)) for value in ("12", "x")] == [True, False]


@pytest.mark.parametrize(
    ("lines", "is_allowed"),
    [
        pytest.param(["13", "14"], True, id="each-is-right"),
        pytest.param(["13", "x"], False, id="one-is-wrong"),
        pytest.param(["13, 14"], False, id="two-on-one-line"),
    ],
)
def test_a_rule_about_a_header_is_asked_of_each_line(lines: list[str], *, is_allowed: bool) -> None:
    table = compile_pact(pact(interaction("a", headers={"X-Id": ["1"]}, rules={"header": {"X-Id": regex("[0-9]+")}})))
    asked = request("/things", headers=[("X-Id", line) for line in lines])

    found = match_endpoint(table.endpoints[0], asked)

    assert isinstance(found, Matched) is is_allowed


def test_a_name_with_brackets_in_it_is_a_name() -> None:
    rules = {"page[0]": regex("[0-9]")}
    table = compile_pact(pact(interaction("a", query={"page[0]": ["1", "2"]}, rules={"query": rules})))

    assert [check.rule for check in table.endpoints[0].entries[0].query["page[0]"]] == ["regex", "regex"]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({"query": {"m[0]": rule({"match": "type"})}}, id="parameter"),
        pytest.param({"header": {"X-Id": rule({"match": "type"})}}, id="header"),
    ],
)
def test_rules_for_what_the_request_does_not_have_say_nothing(rules: Any) -> None:
    assert compile_pact(pact(interaction("a", query={"n": ["1"]}, rules=rules))).endpoints[0].cases[0].whole is None


def test_each_value_of_a_parameter_may_have_its_own_rule() -> None:
    rules = {"r[0]": regex("[0-9]"), "r[1]": regex("[a-z]")}
    table = compile_pact(pact(interaction("a", query={"r": ["1", "a"]}, rules={"query": rules})))

    checks = table.endpoints[0].entries[0].query["r"]

    assert [bool(check.accepts(value)) for check in checks for value in ("1", "a")] == [True, False, False, True]


@pytest.mark.parametrize(
    ("name", "wanted", "sent", "accepted"),
    [
        pytest.param("x-list", "a, b", "a,b", True, id="blanks"),
        pytest.param("x-list", "a, b", "a, c", False, id="other-value"),
        pytest.param("x-list", "a", "A", False, id="case"),
        pytest.param("content-type", "application/json", "application/json; charset=utf-8", True, id="more-parameters"),
        pytest.param(
            "content-type", "application/json;charset=utf-8", "application/json", False, id="fewer-parameters"
        ),
        pytest.param("content-type", "application/json", "Application/JSON", False, id="case-of-a-type"),
        pytest.param("accept", "text/html, text/plain", "text/html,text/plain;q=0.5", True, id="list-of-types"),
        pytest.param("accept", "text/html", "text/html, text/plain", False, id="type-too-many"),
    ],
)
def test_headers_are_compared_as_headers(name: str, wanted: str, sent: str, accepted: bool) -> None:  # noqa: FBT001
    table = compile_pact(pact(interaction("a", headers={name: [wanted]})))
    ((_, check),) = table.endpoints[0].entries[0].headers

    assert bool(check.accepts(sent)) is accepted
    assert check.identity == ("equality", wanted)


@pytest.mark.parametrize("status", [200, 599])
def test_every_status_of_an_answer_can_be_sent(status: int) -> None:
    assert compile_pact(pact(interaction("a", status=status))).endpoints


@pytest.mark.parametrize(
    "response",
    [
        pytest.param({"status": 199}, id="status-too-low"),
        pytest.param({"status": 600}, id="status-too-high"),
        pytest.param(
            {"generators": {"body": {"$.a": {"type": "RandomString", "size": 10**9}}}}, id="a-value-without-end"
        ),
        pytest.param({"headers": {"X Name": ["a"]}}, id="a-blank-in-a-name"),
        pytest.param({"headers": {"X-Name": ["a", "b\n"]}}, id="a-line-end"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_refused(response: dict[str, Any], golden: Golden) -> None:
    broken = interaction("a")
    broken["response"].update(response)

    with pytest.raises(PactError) as refused:
        compile_pact(pact(broken))

    golden.check(str(refused.value))


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"method": "GET /"}, id="a-line"),
        pytest.param({"method": ""}, id="no-method"),
        pytest.param({"path": "things"}, id="no-slash"),
        pytest.param({"path": "/a b"}, id="a-blank"),
        pytest.param({"path": "/å"}, id="not-encoded"),
        pytest.param({"path": "/things?limit=1"}, id="a-query"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused(request_: dict[str, Any], golden: Golden) -> None:
    """It would never match, and the engine would never take one for it either."""
    broken = interaction("a")
    broken["request"].update(request_)

    with pytest.raises(PactError) as refused:
        compile_pact(pact(broken))

    golden.check(str(refused.value))


def test_the_example_of_a_path_with_a_rule_need_not_be_sent() -> None:
    table = compile_pact(pact(interaction("a", "/things/å", rules={"path": regex("/things/.+")})))

    assert table.at("/things/%C3%A5")


def test_interactions_of_one_path_pattern_are_one_endpoint() -> None:
    table = compile_pact(
        pact(
            interaction("unknown", "/things/zz", status=404, rules={"path": THING}),
            interaction("literal", "/things/a"),
            interaction("any", "/things/b", rules={"path": THING}, role="shape"),
            interaction("others", "/others"),
        )
    )

    assert [[entry.interaction.description for entry in endpoint.entries] for endpoint in table.endpoints] == [
        ["literal", "any", "unknown"],
        ["others"],
    ]
    assert table.endpoints[0].shape is not None
    assert [len(case.entries) for case in table.endpoints[0].cases] == [1, 2]


def test_refusals_are_set_apart_only_where_credentials_are_judged() -> None:
    contract = pact(interaction("good", headers={"X-Service-ID": ["bff"]}), interaction("bad", status=401))

    judged = compile_pact(contract, credentials=CREDENTIALS).endpoints[0]
    ruled = compile_pact(contract).endpoints[0]

    assert [refusal.interaction.description for refusal in judged.refusals] == ["bad"]
    assert judged.entries[0].headers == ()
    assert (ruled.refusals, len(ruled.entries)) == ((), 2)


def test_credentials_stay_ruled_when_the_contract_has_no_refusal() -> None:
    contract = pact(interaction("good", headers={"X-Service-ID": ["bff"]}))

    assert compile_pact(contract, credentials=CREDENTIALS).endpoints[0].entries[0].headers != ()


@pytest.mark.parametrize("contract", shipped_pacts(), ids=lambda contract: contract.provider)
def test_the_shipped_contracts_have_one_shape_per_endpoint(contract: Any) -> None:
    table = compile_pact(contract, credentials=CREDENTIALS)

    assert [endpoint.example_path for endpoint in table.endpoints if endpoint.shape is None] == []


def test_an_empty_path_is_read_and_matches_no_request() -> None:
    """As a case of the Pact specification has it."""
    table = compile_pact(pact(interaction("a", path="")))

    assert table.at("/") == ()
