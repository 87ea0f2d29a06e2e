"""For any states, filters, pages and faults, the client returns the rows of the provider states."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bff_clients import (
    AuthenticationRejected,
    BackendRejected,
    BackendSettings,
    BackendTimeout,
    BackendUnavailable,
    BatchClientStatus,
    BatchStatus,
    CMSClient,
    ContractViolation,
    EndpointMissing,
    RASClient,
)
from bff_clients.models import StatusFilter
from bff_contracts.platform import CMS, RAS
from bff_contracts.states import BATCH_MISSING, KINDS, USER_HAS_BATCHES, find_state
from bff_mock_server.testing import EMPTY
from tests.agreement.answering import answering, apps
from tests.agreement.operations import QUICK, READING, SETTINGS
from tests.agreement.outcomes import exchanges
from tests.agreement.worlds import IDS, params_of
from tests.consumer.rows import full_answer
from tests.support.body_values import has_the_values_of
from tests.support.lanes import few_or_many

Json = dict[str, Any]

FAULTS: Final[dict[str, type[Exception]]] = {
    "status=500": BackendUnavailable,
    "status=503 retry-after=1": BackendUnavailable,
    "status=429": BackendUnavailable,
    "status=401": AuthenticationRejected,
    "status=400": BackendRejected,
    "html=502": BackendUnavailable,
    "html=404": EndpointMissing,
    "reset": BackendUnavailable,
    "empty": BackendUnavailable,
    "truncate": BackendUnavailable,
    "malformed": ContractViolation,
    "violation": ContractViolation,
    "latency=1s": BackendTimeout,
    "drip=1s": BackendTimeout,
}
"""What can be armed, and what a caller gets of it."""

READS: Final = {
    operation: next(interaction.states[0].name for interaction, _ in exchanges(operation))
    for operation in READING
    if operation.provider == CMS
}
"""The methods that read CMS's data about batches, and their provider states."""

OF_MANY: Final = {one.name: state for one, state in READS.items() if ("batch_ids", True) in one.parameters}
OF_ONE: Final = {one.name: state for one, state in READS.items() if ("batch_id", True) in one.parameters}
"""Those that are asked for several batches and give a map, and those that are asked for one and give a list."""

STRANGERS: Final = tuple(str(UUID(int=number)) for number in range(120))
"""Ids that no world knows, and more than go into one request."""

IMPATIENT: Final = SETTINGS.model_copy(update={"http_client_timeout_seconds": 0.05})


def moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class Model:
    """The rows of the states that were set up, as plain dictionaries."""

    def __init__(self) -> None:
        self.applied: list[tuple[str, Json]] = []
        self.batches: dict[str, tuple[str, Json]] = {}
        self.entries: dict[str, dict[str, Any]] = {name: {} for name in KINDS}

    def set_up(self, name: str, params: Json) -> None:
        self.applied.append((name, params))
        self._apply(name, params)

    def take_back(self, at: int) -> tuple[str, Json]:
        taken = self.applied.pop(at)
        self.batches, self.entries = {}, {name: {} for name in KINDS}
        for name, params in self.applied:
            self._apply(name, params)
        return taken

    def _apply(self, name: str, params: Json) -> None:
        if name == USER_HAS_BATCHES:
            user_id = params["user_id"]
            kept = {one: known for one, known in self.batches.items() if known[0] != user_id}
            self.batches = kept | {row["batch_id"]: (user_id, row) for row in params["batches"]}
        elif name == BATCH_MISSING:
            self.batches.pop(params["batch_id"], None)
        else:
            (entries,) = params.values()
            self.entries[name] |= entries

    def rows_of(self, user_id: str, status: StatusFilter | None) -> list[Json]:
        rows = [row for owner, row in self.batches.values() if owner == user_id]
        wanted = status.internal if isinstance(status, BatchClientStatus) else (status,)
        return [row for row in rows if status is None or row["internal_status"] in wanted]


class ClientAndMock(RuleBasedStateMachine):
    """The real clients, the real mock, and a model that knows no more than the catalogue of states."""

    tried: ClassVar[Counter[str]] = Counter()
    """What came of the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.apps = apps(EMPTY)
        self.world = self.apps[RAS].mock.sessions.default
        self.model = Model()
        self.armed: type[Exception] | None = None
        self.runner = asyncio.Runner()

    def teardown(self) -> None:
        self.runner.close()

    def ask(self, provider: str, call: Callable[[Any], Awaitable[Any]]) -> Any:
        """Make a call; the armed fault hits only this one."""
        expected, self.armed = self.armed, None
        patience: BackendSettings = IMPATIENT if expected is BackendTimeout else SETTINGS

        async def asking() -> Any:
            transport: Any = httpx.MockTransport(answering(self.apps[provider]))  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport) as http:
                client = RASClient(http, patience) if provider == RAS else CMSClient(http, patience)
                return await call(client)

        try:
            result = self.runner.run(asking())
        except Exception as error:
            if expected is None or type(error) is not expected:
                raise
            self.world.faults = ()
            self.tried[type(error).__name__] += 1
            return None
        assert expected is None, f"a fault was armed, and yet: {result!r}"
        self.tried["results"] += 1
        return result

    @rule(params=params_of(find_state(RAS, USER_HAS_BATCHES)))
    def a_teacher_has_batches(self, params: Json) -> None:
        self.world.apply(USER_HAS_BATCHES, params, provider=RAS)
        self.model.set_up(USER_HAS_BATCHES, params)

    @rule(params=params_of(find_state(RAS, BATCH_MISSING)))
    def a_batch_is_missing(self, params: Json) -> None:
        self.world.apply(BATCH_MISSING, params, provider=RAS)
        self.model.set_up(BATCH_MISSING, params)

    @rule(data=st.data(), name=st.sampled_from(sorted(KINDS)))
    def cms_knows_of_batches(self, data: st.DataObject, name: str) -> None:
        params = data.draw(params_of(find_state(CMS, name)))
        self.world.apply(name, params, provider=CMS)
        self.model.set_up(name, params)

    @precondition(lambda self: bool(self.model.applied))
    @rule(data=st.data())
    def a_state_is_taken_back(self, data: st.DataObject) -> None:
        # Of equal states the mock takes back the latest, so that is the one to draw.
        at = data.draw(st.integers(0, len(self.model.applied) - 1))
        latest = max(i for i, one in enumerate(self.model.applied) if one == self.model.applied[at])
        name, params = self.model.take_back(latest)
        self.world.teardown(name, params)

    @precondition(lambda self: self.armed is None)
    @rule(fault=st.sampled_from(sorted(FAULTS)))
    def something_is_armed(self, fault: str) -> None:
        self.apps[RAS].mock.arm("*", fault)
        self.armed = FAULTS[fault]

    @rule(
        user_id=st.sampled_from(IDS),
        limit=st.integers(1, 5),
        offset=st.integers(0, 4),
        status=st.none() | st.sampled_from(BatchStatus) | st.sampled_from(BatchClientStatus),
    )
    def a_page_is_read(self, user_id: str, limit: int, offset: int, status: StatusFilter | None) -> None:
        page = self.ask(RAS, lambda ras: ras.get_batches_for_user(user_id, limit=limit, offset=offset, status=status))
        if page is not None:
            self.check_page(page, self.model.rows_of(user_id, status), user_id, limit, offset)

    def check_page(self, page: Any, rows: list[Json], user_id: str, limit: int, offset: int) -> None:
        newest_first = sorted((moment(row["created_at"]) for row in rows), reverse=True)
        by_id = {row["batch_id"]: full_answer(row, user_id) for row in rows}

        assert (page.pagination.limit, page.pagination.offset, page.pagination.total) == (limit, offset, len(rows))
        # Rows of one moment have no fixed order: the moments do, and every row is one of the teacher's.
        assert [batch.created_at for batch in page.batches] == newest_first[offset : offset + limit]
        assert len({batch.batch_id for batch in page.batches}) == len(page.batches)
        assert all(has_the_values_of(batch, by_id[batch.batch_id]) for batch in page.batches)

    @rule(user_id=st.sampled_from(IDS), status=st.none() | st.sampled_from(BatchStatus), page_size=st.integers(1, 3))
    def all_batches_are_read(self, user_id: str, status: BatchStatus | None, page_size: int) -> None:
        async def read(ras: RASClient) -> list[str]:
            batches = ras.iter_batches_for_user(user_id, status=status, page_size=page_size)
            return [batch.batch_id async for batch in batches]

        found = self.ask(RAS, read)
        if found is not None:
            assert sorted(found) == sorted(row["batch_id"] for row in self.model.rows_of(user_id, status))

    @rule(batch_id=st.sampled_from(IDS))
    def a_batch_is_read(self, batch_id: str) -> None:
        is_armed = self.armed is not None
        known = self.model.batches.get(batch_id)
        if known is None and self.armed is ContractViolation:
            self.armed = EndpointMissing  # a 404 that is not RAS's own does not say that there is no such batch
        details = self.ask(RAS, lambda ras: ras.get_batch_status(batch_id.upper()))
        if known is None or is_armed:
            assert details is None
        else:
            stored = full_answer(known[1], known[0])
            essays = {essay["essay_id"]: essay for essay in stored["essays"]}
            in_that_order = [essays[essay.essay_id] for essay in details.essays]
            assert len(in_that_order) == len(essays)
            assert has_the_values_of(details, {**stored, "essays": in_that_order})

    @rule(
        method=st.sampled_from(sorted(OF_MANY)),
        known_ids=st.lists(st.sampled_from([*IDS, *map(str.upper, IDS)]), min_size=1, max_size=6),
        others=st.sampled_from([0, 0, 0, 120]),
    )
    def what_cms_knows_is_read(self, method: str, known_ids: list[str], others: int) -> None:
        batch_ids = [*STRANGERS[:others], *known_ids]
        found = self.ask(CMS, lambda cms: getattr(cms, method)(batch_ids))
        if found is not None:
            known = self.model.entries[OF_MANY[method]]
            rows = {spelled: known.get(spelled.lower()) for spelled in batch_ids}
            expected = {spelled: row and {"batch_id": spelled.lower(), **row} for spelled, row in rows.items()}
            assert found.keys() == expected.keys()
            assert has_the_values_of(found, expected)

    @rule(method=st.sampled_from(sorted(OF_ONE)), batch_id=st.sampled_from([*IDS, *map(str.upper, IDS), STRANGERS[0]]))
    def what_cms_lists_of_a_batch_is_read(self, method: str, batch_id: str) -> None:
        found = self.ask(CMS, lambda cms: getattr(cms, method)(batch_id))
        if found is not None:
            known = {row["essay_id"]: row for row in self.model.entries[OF_ONE[method]].get(batch_id.lower(), [])}
            assert len(found) == len(known)
            assert all(has_the_values_of(row, known[row.essay_id]) for row in found)

    @invariant()
    def nothing_else_was_changed(self) -> None:
        assert self.world.rows.batches.keys() == self.model.batches.keys()


@few_or_many(8, 50)
def test_client_and_mock_agree(examples: int) -> None:
    run_state_machine_as_test(ClientAndMock, settings=settings(QUICK, max_examples=examples, stateful_step_count=40))
