"""Gives classes to the batches that a real RAS lists and mock CMS does not know."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from bff_contracts.pact.file import Pact
from bff_contracts.platform import RAS
from bff_contracts.state_names import BATCHES_HAVE_CLASSES
from bff_mock_server.answering.mock_headers import SESSION
from bff_mock_server.matching.request import Asked
from bff_mock_server.proxy.ras_batches import batches_in, is_uuid
from bff_mock_server.world.sessions import Sessions

CLASS_NAMES: Final = (
    "Svenska 1 – SA24B",
    "ENG5 Teknik åk 1",
    "Engelska 6 NA23a",
    "Svenska 3 – EK22",
    "Historia 1b HU24",
)

_NAMESPACE: Final = UUID("5b1d2f0e-6c1f-5a39-9d0e-3f0a7c1b2d44")


def learn_batches(sessions: Sessions, pact: Pact, asked: Asked, status: int, body: bytes) -> None:
    """Give classes to the batches of a response that mock CMS does not know yet.

    Which class a batch gets follows from its id, so it is the same one in every run.
    """
    if pact.provider != RAS:
        return
    world = sessions.world_of(asked.headers.get(SESSION))
    known = world.rows.facts(BATCHES_HAVE_CLASSES)
    listed = (row.get("batch_id") for row in batches_in(status, body))
    unknown = [batch_id for batch_id in listed if is_uuid(batch_id) and batch_id not in known]
    classes = {batch_id: _class_for(batch_id) for batch_id in unknown}
    if classes:
        world.apply(BATCHES_HAVE_CLASSES, {"classes": classes})


def _class_for(batch_id: str) -> Mapping[str, str]:
    name = CLASS_NAMES[UUID(batch_id).int % len(CLASS_NAMES)]
    return {"class_id": str(uuid5(_NAMESPACE, name)), "class_name": name}
