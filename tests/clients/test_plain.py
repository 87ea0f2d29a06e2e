"""The plain clients: the plan's protocols over the typed clients."""

import json

import pytest
from dishka import make_async_container

from bff_clients import BackendSettings
from bff_clients.di import BackendClientsProvider, PlainClientsProvider
from bff_clients.plain import PlainCMSClientProtocol, PlainRASClientProtocol
from bff_mock_server import Backends, a_batch

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]
ROWS = [a_batch(1), a_batch(2)]
FIRST = ROWS[0]["batch_id"]
SECOND = ROWS[1]["batch_id"]
CLASS = {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": "Svenska 9A"}


async def test_both_give_dictionaries_that_json_can_write(backends: Backends) -> None:
    backends.given("user has exactly these batches", user_id="anna", batches=ROWS)
    backends.given("batches have exactly these classes", classes={FIRST: CLASS, SECOND: None})
    settings = BackendSettings(internal_api_key=backends.api_key)
    container = make_async_container(BackendClientsProvider(settings), PlainClientsProvider())
    ras, cms = await container.get(PlainRASClientProtocol), await container.get(PlainCMSClientProtocol)

    batches = await ras.get_batches_for_user("anna", limit=1)
    batch = await ras.get_batch_status(FIRST)
    unknown = await ras.get_batch_status("00000000-0000-4000-8000-000000000000")
    classes = await cms.get_batch_class_info([FIRST, SECOND])
    await container.close()

    assert json.loads(json.dumps(batches)) == batches
    assert [len(batches), batches[0]["user_id"], batches[0]["created_at"][-1]] == [1, "anna", "Z"]
    assert batch is not None
    assert (batch["batch_id"], isinstance(batch["essays"], list)) == (FIRST, True)
    assert unknown is None
    assert classes == {FIRST: CLASS, SECOND: {"class_id": None, "class_name": None}}
