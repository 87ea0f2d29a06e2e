"""Faults of the pytest plugin's backends: the clients meet what they would meet on a socket."""

import time

import httpx
import pytest

from bff_clients import BackendTimeout, BackendUnavailable, ContractViolation, RASClient, create_http_client
from bff_mock_server import Backends, FaultError, a_batch
from tests.mock_server.building import HEADERS, USER, settings_of
from tests.support.golden import Golden

pytestmark = pytest.mark.anyio


def test_a_sync_client_cannot_wait_for_a_latency(backends: Backends, golden: Golden) -> None:
    backends.fail("*", "latency=1ms")

    with pytest.raises(RuntimeError) as refused:
        httpx.get(f"{backends.ras_url}/healthz")

    golden.check(str(refused.value))


@pytest.mark.parametrize("fault", ["latency=1ms", "reset", "truncate", "drip=1ms"])
async def test_a_sync_client_in_an_async_test_cannot_meet_a_fault_of_a_connection(
    backends: Backends, fault: str, golden: Golden
) -> None:
    backends.fail("*", fault)
    with httpx.Client(transport=backends.transport()) as handed:
        for ask in (httpx.get, handed.get):
            with pytest.raises(RuntimeError) as refused:
                ask(f"{backends.ras_url}/healthz")
            golden.check(str(refused.value))


def test_too_long_a_request_is_refused_as_on_a_socket(backends: Backends) -> None:
    ids = ",".join([a_batch()["batch_id"]] * 600)

    assert httpx.get(f"{backends.cms_url}/internal/v1/batches/class-info?batch_ids={ids}").status_code == 431


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        pytest.param("status=503 retry-after=5", BackendUnavailable, "status", id="status"),
        pytest.param("html=502", BackendUnavailable, "status", id="html"),
        pytest.param("reset", BackendUnavailable, "disconnect", id="reset"),
        pytest.param("empty", BackendUnavailable, "disconnect", id="empty"),
        pytest.param("truncate", BackendUnavailable, "disconnect", id="truncated"),
        pytest.param("malformed", ContractViolation, None, id="malformed"),
        pytest.param("violation", ContractViolation, None, id="violation"),
    ],
)
async def test_the_clients_meet_what_they_would_meet_on_a_socket(
    backends: Backends, fault: str, error: type[Exception], reason: str | None
) -> None:
    backends.fail("ras", fault)
    async with create_http_client(settings_of(backends, retries=0)) as http:
        with pytest.raises(error) as met:
            await RASClient(http, settings_of(backends, retries=0)).get_batches_for_user(USER)

    assert type(met.value) is error
    assert getattr(met.value, "reason", None) == reason


@pytest.mark.parametrize("fault", [pytest.param("latency=60s", id="late"), pytest.param("drip=60s", id="dripping")])
async def test_the_clients_wait_no_longer_than_on_a_socket(backends: Backends, fault: str) -> None:
    backends.fail("ras", fault)
    async with create_http_client(settings_of(backends, seconds=0.2)) as http:
        with pytest.raises(BackendTimeout) as met:
            await RASClient(http, settings_of(backends, seconds=0.2)).get_batches_for_user(USER)

    assert met.value.reason == "timeout"


async def test_without_a_read_timeout_a_late_answer_is_waited_for(backends: Backends) -> None:
    backends.fail("*", "latency=30ms; drip=1ms")
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113
        answer = await client.get(f"{backends.ras_url}/internal/v1/batches/user/x?limit=1&offset=0", headers=HEADERS)

    assert answer.json()["pagination"]["total"] == 0
    assert time.monotonic() - began >= 0.03


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_clients_on_every_event_loop_are_answered(backends: Backends) -> None:
    async with httpx.AsyncClient() as client:
        answers = [await client.get(f"{backends.cms_url}/healthz")]
        backends.fail("cms", "latency=1ms; status=503 times=1; drip=0ms")
        answers += [await client.get(f"{backends.cms_url}/healthz") for _ in range(2)]
        backends.recover()
        backends.fail("cms", "reset")
        with pytest.raises(httpx.ReadError):
            await client.get(f"{backends.cms_url}/healthz")

    assert [answer.status_code for answer in answers] == [200, 503, 200]


async def test_faults_end_when_the_backends_recover(backends: Backends) -> None:
    backends.fail("GET /healthz", "status=500 times=1")
    async with httpx.AsyncClient() as client:
        statuses = [(await client.get(f"{backends.ras_url}/healthz")).status_code for _ in range(2)]
        backends.fail()
        statuses.append((await client.get(f"{backends.ras_url}/healthz")).status_code)
        backends.recover()
        statuses.append((await client.get(f"{backends.ras_url}/healthz")).status_code)

    assert statuses == [500, 200, 503, 200]


def test_one_of_several_faults_ends(backends: Backends) -> None:
    ras, cms = backends.fail("ras"), backends.fail("cms")
    backends.recover(ras)

    assert [httpx.get(f"{url}/healthz").status_code for url in (backends.ras_url, backends.cms_url)] == [200, 503]
    with pytest.raises(FaultError, match=str(cms.number)):
        backends.recover(ras)
