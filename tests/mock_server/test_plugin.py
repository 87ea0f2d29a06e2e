"""The API of the fixture `backends`: what a test sets up, and what it asks afterwards."""

import os
from collections.abc import Callable
from unittest.mock import patch

import httpx
import pytest

from bff_clients import (
    BackendSettings,
    BatchStatus,
    CMSClient,
    RASClient,
    create_http_client,
)
from bff_contracts.platform import CMS
from bff_contracts.states import BATCHES_HAVE_CLASSES, USER_HAS_BATCHES
from bff_mock_server import Backends, FaultError, ScenarioError, StateError, a_batch
from tests.mock_server.building import HEADERS, KEY, USER, settings_of, shipped
from tests.support.golden import Golden

pytestmark = pytest.mark.anyio


async def test_the_clients_are_answered_from_what_is_given(backends: Backends) -> None:
    rows = [a_batch(number) for number in range(3)]
    backends.given(USER_HAS_BATCHES, user_id=USER, batches=rows)
    backends.given(BATCHES_HAVE_CLASSES, classes={rows[0]["batch_id"]: None})
    async with create_http_client(settings_of(backends)) as http:
        page = await RASClient(http, settings_of(backends)).get_batches_for_user(USER, limit=2)
        classes = await CMSClient(http, settings_of(backends)).get_batch_class_info([rows[0]["batch_id"]])

    assert ([batch.batch_id for batch in page.batches], page.pagination.total) == (
        [row["batch_id"] for row in rows[:2]],
        3,
    )
    assert classes == {rows[0]["batch_id"]: None}


async def test_a_test_can_ask_what_was_asked(backends: Backends) -> None:
    async with create_http_client(settings_of(backends)) as http:
        await RASClient(http, settings_of(backends)).get_batches_for_user(USER, status=BatchStatus.CANCELLED)

    (asked,) = backends.requests
    assert asked.query == {"limit": ("20",), "offset": ("0",), "status": ("cancelled",)}
    assert list(backends.asked("ras", status="cancelled")) == [asked]
    assert list(backends.asked(path="/internal/*")) == [asked]
    assert list(backends.asked("cms")) == []
    assert KEY not in repr(asked)


def test_a_request_that_was_not_sent_is_shown_with_the_closest_one(backends: Backends, golden: Golden) -> None:
    golden.check(repr(backends.asked("ras")))
    httpx.get(f"{backends.ras_url}/internal/v1/batches/user/{USER}?limit=5&offset=0", headers=HEADERS)
    httpx.get(f"{backends.cms_url}/healthz")

    golden.check(repr(backends.asked("ras", limit="7")))


def test_a_class_may_be_its_name_alone(backends: Backends) -> None:
    batches = [a_batch(number)["batch_id"] for number in range(3)]
    backends.given("batches have exactly these classes", classes={**dict.fromkeys(batches[:2], "9A"), batches[2]: None})

    found = httpx.get(
        f"{backends.cms_url}/internal/v1/batches/class-info?batch_ids={','.join(batches)}", headers=HEADERS
    )

    assert [known and known["class_name"] for known in found.json().values()] == ["9A", "9A", None]
    assert len({known["class_id"] for known in found.json().values() if known}) == 1


def test_coverage_can_be_of_some_endpoints(backends: Backends, golden: Golden) -> None:
    httpx.get(f"{backends.cms_url}/healthz")

    backends.assert_contract_covered("cms", route="GET /healthz")
    for route in ("*/class-info", "*/nowhere"):
        with pytest.raises(AssertionError) as uncovered:
            backends.assert_contract_covered(route=route)
        golden.check(str(uncovered.value))


async def test_unused_interactions_are_named(backends: Backends) -> None:
    async with create_http_client(settings_of(backends)) as http:
        await CMSClient(http, settings_of(backends)).get_batch_class_info([a_batch()["batch_id"]])

    with pytest.raises(AssertionError) as uncovered:
        backends.assert_contract_covered("cms")

    assert "wrong key (class-management-service GET /internal/v1/batches/class-info -> 401)" in str(uncovered.value)
    assert "result-aggregator-service" not in str(uncovered.value)


def test_a_contract_is_covered_when_every_case_of_it_was_seen(backends: Backends) -> None:
    """Each interaction is requested in its own provider states."""
    contract = shipped(CMS)
    for each in contract.interactions:
        for state in each.states:
            backends.given(state.name, **state.params)
        sent = each.request
        query = "&".join(f"{name}={value}" for name, values in sent.query.items() for value in values)
        headers = {name: ", ".join(values) for name, values in sent.headers.items()}
        httpx.get(f"{backends.cms_url}{sent.path}?{query}".rstrip("?"), headers=headers)

    backends.assert_contract_covered("cms")

    assert sum(use.times > 0 for use in backends.coverage()) == len(contract.interactions)


def test_a_scenario_can_be_used(backends: Backends) -> None:
    scenario = backends.use("exam-week")

    target = f"{backends.ras_url}/internal/v1/batches/user/{scenario.teachers[0].user_id}?limit=1&offset=0"
    assert httpx.get(target, headers=HEADERS).json()["pagination"]["total"] == scenario.teachers[0].batches


def test_mistakes_in_a_test_are_reported(backends: Backends, golden: Golden) -> None:
    mistakes: list[tuple[type[Exception], Callable[[], object]]] = [
        (StateError, lambda: backends.given("user has batches", user_id=USER)),
        (FaultError, lambda: backends.fail("ras", "explode")),
        (ValueError, lambda: backends.assert_contract_covered("cmss")),
        (ValueError, lambda: backends.asked("rsa")),
        (FaultError, lambda: backends.fail("ras GET /typo")),
        (ScenarioError, lambda: backends.use("nothing")),
        (TypeError, lambda: a_batch(colour="red")),
    ]
    for kind, mistake in mistakes:
        with pytest.raises(kind) as reported:
            mistake()
        golden.check(str(reported.value))


def test_batches_for_tests_differ_by_number_and_take_given_values() -> None:
    one, two = a_batch(1), a_batch(2, status="cancelled", assignment_id="Uppgift")

    assert one["batch_id"] != two["batch_id"]
    assert one["created_at"] > two["created_at"]
    assert (two["internal_status"], two["assignment_id"]) == ("cancelled", "Uppgift")


def test_a_status_by_its_name_in_the_row_has_the_essays_and_dates_of_that_status() -> None:
    running = a_batch(1, internal_status="processing_pipelines")

    assert running == a_batch(1, status="processing_pipelines")
    assert running["processing_completed_at"] is None


def test_the_environment_of_the_backends_is_all_that_the_settings_need(
    backends: Backends, backends_on_ports: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", "a-key-of-this-test")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_RAS_URL", "http://elsewhere")
    for one in (backends, backends_on_ports):
        with patch.dict(os.environ, one.environment):
            settings = BackendSettings()
        found = (settings.internal_api_key.get_secret_value(), settings.ras_base_url, settings.cms_base_url)
        assert found == (one.api_key, one.ras_url, one.cms_url)
