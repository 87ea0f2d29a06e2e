"""Errors as values: they are copied, pickled and compared, also between processes."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import httpx
import pytest

from bff_clients import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendSettings,
    BackendTimeout,
    BackendUnavailable,
    CMSClient,
    ContractViolation,
    EndpointMissing,
    InvalidArgument,
    RASClient,
)
from tests.support.platform import BATCH

FACTS: dict[str, Any] = {"service": "ras", "operation": "ping", "correlation_id": BATCH, "status_code": 503}
ERRORS = [
    BackendError("detail", **FACTS),
    BackendUnavailable("detail", reason="status", retry_after=2.5, **FACTS),
    BackendTimeout("detail", reason="timeout", **FACTS),
    BackendRejected("detail", **FACTS),
    AuthenticationRejected("detail", **FACTS),
    EndpointMissing("detail", **FACTS),
    ContractViolation("detail", **FACTS),
]


def pickled(error: BackendError) -> BackendError:
    found: BackendError = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    return found


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled], ids=["copy", "deepcopy", "pickle"])
def test_an_error_comes_back_equal(error: BackendError, copied: Callable[[BackendError], BackendError]) -> None:
    error.add_note("a note")
    back = copied(error)

    assert back == error
    assert (type(back), back.args, vars(back), hash(back)) == (type(error), error.args, vars(error), hash(error))
    assert str(back) == f"ras ping: detail (correlation id {BATCH})"


def _fails(error: BackendError) -> None:
    raise error


@pytest.mark.slow("starts a process, which imports the clients again")
def test_an_error_of_another_process_comes_back_equal_and_leaves_the_pool_usable() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for error in ERRORS:
            with pytest.raises(BackendError) as caught:
                pool.submit(_fails, error).result()
            assert caught.value == error
        assert pool.submit(abs, -1).result() == 1


def test_a_refused_argument_comes_back_equal() -> None:
    refused = InvalidArgument("limit", "must be 1 to 100")
    back = pickle.loads(pickle.dumps(refused))  # noqa: S301  # our own

    assert (back, hash(back), str(back)) == (refused, hash(refused), "limit must be 1 to 100")
    assert back not in (InvalidArgument("limit", "must be even"), ValueError("limit must be 1 to 100"))


def test_errors_that_differ_are_not_equal() -> None:
    assert len({*ERRORS, BackendError("another", **FACTS)}) == len(ERRORS) + 1


@pytest.mark.anyio
async def test_an_error_of_a_real_call_comes_back_equal(settings: BackendSettings) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(204))) as http:
        with pytest.raises(ContractViolation) as caught:
            await RASClient(http, settings).get_batch_status(BATCH)

    assert pickled(caught.value) == caught.value


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [RASClient, CMSClient])
@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
async def test_a_client_says_that_it_cannot_be_copied(
    kind: type[RASClient | CMSClient], duplicate: Callable[[object], object], settings: BackendSettings
) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(TypeError, match=f"{kind.__name__} has connections"):
            duplicate(kind(http, settings))
