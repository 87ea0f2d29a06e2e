"""A CMS that has not deployed an endpoint yet: the clients raise `EndpointMissing`, and read the rest."""

from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bff_clients import BackendSettings, CMSClient, EndpointMissing
from bff_contracts.states import BATCHES_HAVE_CLASSES, BatchesHaveClasses
from tests.providers.breaking import cms
from tests.providers.seeding import cms_states

pytestmark = pytest.mark.anyio

BATCH = "26b9045a-e947-5833-ab3e-161507389763"
KEY = "the-real-key-of-the-provider"
NOT_DEPLOYED = cms(
    "validation-status is not deployed",
    ('@app.get("/internal/v1/batches/validation-status")', '@app.get("/internal/v2/batches/validation-status")'),
)


async def test_an_endpoint_that_a_quart_app_does_not_have_is_missing_and_the_others_are_read(tmp_path: Path) -> None:
    states, module = cms_states(tmp_path / "cms.db"), NOT_DEPLOYED.module()
    states[BATCHES_HAVE_CLASSES](BatchesHaveClasses(classes={BATCH: None}))
    app = module.create_app(module.Settings(str(tmp_path / "cms.db"), KEY))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        client = CMSClient(http, BackendSettings(internal_api_key=SecretStr(KEY)))

        with pytest.raises(EndpointMissing) as caught:
            await client.get_batch_validation_status([BATCH])
        classes = await client.get_batch_class_info([BATCH])

    assert (caught.value.status_code, classes) == (404, {BATCH: None})
