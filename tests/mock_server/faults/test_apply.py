"""The effect of each fault; the official engine confirms that `violation` breaks the contract."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_contracts.judge import Judge
from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, RAS
from bff_mock_server import MockApp, find_scenario
from bff_mock_server.faults.apply import strike
from bff_mock_server.faults.spec import Armed, Route, parse_faults
from bff_mock_server.matching.table import compile_pact
from bff_mock_server.responses.reply import AttributedReply, Delivery, Head, Reply
from tests.mock_server.building import HEADERS, app_of, batch_id, call, interaction, pact, request

ALL = app_of(*shipped_pacts())
JUDGES = {one.provider: Judge(one) for one in shipped_pacts()}
TEACHER, *OTHERS = find_scenario("default").teachers
BATCHES = list(find_scenario("default").rows.batches)
REPLY = Reply(Head(200, ((b"content-type", b"application/json"),)), b'{"a": 1}')


def broken(faults: str, reply: Reply = REPLY, *, seed: int = 0, example: Any = None) -> Reply:
    return struck(faults, reply, interaction("a thing", body=example), seed=seed)


def struck(faults: str, reply: Reply, *interactions: Any, seed: int = 0) -> Reply:
    """The reply of these interactions' endpoint after faults."""
    (endpoint,) = compile_pact(pact(*interactions)).endpoints
    answer = AttributedReply(reply, endpoint, endpoint.entries[0])
    armed = [Armed(Route(), parse_faults(faults))]
    return strike(answer, armed, "thing-service", request("/things"), Random(seed)).reply


@pytest.mark.parametrize(
    ("fault", "delivery"),
    [
        pytest.param("latency=80ms", Delivery(delay=0.08), id="late"),
        pytest.param("latency=80ms; latency=20ms", Delivery(delay=0.1), id="latencies-add-up"),
        pytest.param("reset", Delivery(form="reset"), id="reset"),
        pytest.param("empty", Delivery(form="empty"), id="empty"),
        pytest.param("truncate times=1; reset", Delivery(form="truncated"), id="the-first-of-the-others"),
        pytest.param("drip=50ms", Delivery(form="dripping", pause=0.05), id="drip"),
        pytest.param("latency=1s; drip=50ms", Delivery(1.0, "dripping", 0.05), id="late-and-dripping"),
        pytest.param("latency=0ms", None, id="no-time-at-all"),
    ],
)
def test_some_faults_are_about_the_delivery(fault: str, delivery: Delivery | None) -> None:
    reply = broken(fault)

    assert (reply.head, reply.body, reply.delivery) == (REPLY.head, REPLY.body, delivery)


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "body"),
    [
        pytest.param("status=503", 503, "application/json", b'{"error":"Service Unavailable"}', id="status"),
        pytest.param("status=500", 500, "application/json", b'{"error":"Internal server error"}', id="as-ras-says-it"),
        pytest.param("status=599", 599, "application/json", b'{"error":"599"}', id="status-without-a-name"),
        pytest.param("malformed", 200, "application/json", b'{"a"{', id="malformed"),
    ],
)
def test_some_faults_are_other_answers(fault: str, status: int, content_type: str, body: bytes) -> None:
    reply = broken(fault)

    assert (reply.status, dict(reply.headers)[b"content-type"].decode(), reply.body) == (status, content_type, body)


def test_an_html_page_has_its_status_and_says_when_to_come_back() -> None:
    reply = broken("html=503 retry-after=7")

    headers = dict(reply.headers)
    assert (reply.status, headers[b"retry-after"]) == (503, b"7")
    assert headers[b"content-type"].startswith(b"text/html")
    assert b"<h1>503 Service Unavailable</h1>" in reply.body


def test_the_contracts_own_answer_of_a_status_is_preferred() -> None:
    gone = interaction("gone", status=410, body={"error": "Moved on"})

    reply = struck("status=410 retry-after=1", REPLY, interaction("a thing"), gone)

    assert (reply.status, reply.body, dict(reply.headers)[b"retry-after"]) == (410, b'{"error":"Moved on"}', b"1")


TARGETS = {
    "page": (RAS, f"/internal/v1/batches/user/{TEACHER.user_id}?limit=20&offset=0"),
    "empty-page": (RAS, "/internal/v1/batches/user/nobody?limit=20&offset=0"),
    "filtered": (RAS, f"/internal/v1/batches/user/{TEACHER.user_id}?limit=5&offset=0&status=cancelled"),
    "batch": (RAS, f"/internal/v1/batches/{BATCHES[0]}/status"),
    "unknown-batch": (RAS, f"/internal/v1/batches/{batch_id(7)}/status"),
    "classes": (CMS, f"/internal/v1/batches/class-info?batch_ids={BATCHES[0]},{BATCHES[3]},{batch_id(7)}"),
    "one-class": (CMS, f"/internal/v1/batches/class-info?batch_ids={BATCHES[0]}"),
    "no-class": (CMS, f"/internal/v1/batches/class-info?batch_ids={batch_id(7)}"),
}


def verdict(app: MockApp, provider: str, target: str, fault: str) -> list[Any]:
    """The official engine's mismatches of an answer."""
    backend = next(one for one in app.backends if one.provider == provider)
    reply = app.mock.handle([backend], request(target, headers={**HEADERS, "X-Mock-Fault": fault}))
    content_type = dict(reply.headers).get(b"content-type", b"").decode()
    return JUDGES[provider].violations(
        method="GET", target=target, status=reply.status, content_type=content_type, body=reply.body
    )


@pytest.mark.parametrize("name", TARGETS)
def test_an_undisturbed_answer_is_within_the_contract(name: str) -> None:
    assert verdict(ALL, *TARGETS[name], "none") == []


@pytest.mark.parametrize("name", TARGETS)
@given(seed=st.integers(0, 10_000))
def test_a_violation_breaks_the_contract_with_every_seed(name: str, seed: int) -> None:
    ALL.mock.sessions.default.random.seed(seed)

    assert verdict(ALL, *TARGETS[name], "violation") != []


async def test_an_answer_without_a_body_gets_a_wrong_status_instead() -> None:
    answer = await call(app_of(pact(interaction("up", "/healthz"))), "/healthz", headers={"X-Mock-Fault": "violation"})

    assert answer.status == 299


@pytest.mark.parametrize("body", [[], "text", 3], ids=["empty-list", "text", "number"])
async def test_a_body_without_members_becomes_one_of_another_type(body: Any) -> None:
    made = interaction("odd", body=body)
    answer = await call(app_of(pact(made)), "/things", headers={"X-Mock-Fault": "violation"})

    assert type(answer.json) is not type(body)


def test_fields_that_the_contract_does_not_know_are_no_violation() -> None:
    reply = Reply(REPLY.head, json.dumps({"extra": 1, "known": 2}).encode())

    bodies = [json.loads(broken("violation", reply, seed=seed, example={"known": 0}).body) for seed in range(20)]

    assert all(body["extra"] == 1 and body.get("known") != 2 for body in bodies)
