"""Key, user id and body are in no log, no `repr` and no traceback, including the locals of its frames."""

import asyncio
import gzip
import itertools
import json
import logging
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from types import ModuleType, TracebackType
from typing import Any, Final, Literal, cast

import httpx
import pytest
from pydantic import Secret, SecretStr
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from bff_clients import (
    BackendError,
    BackendSettings,
    CMSClient,
    ContractViolation,
    InvalidArgument,
    RASClient,
    create_http_client,
)
from bff_clients._http import Answer
from tests.support.misbehaving import Behaviour, hangs, head, misbehaving_server, resets_in_the_body, says
from tests.support.platform import BATCH, KEY
from tests.support.ras_pages import page, row
from tests.support.transports import ok

pytestmark = pytest.mark.anyio

USER: Final = "teacher-4712"
BODY: Final = "Romeo och Julia"
SECRETS: Final = (KEY.get_secret_value(), USER, BODY)
ECHO: Final = f"{KEY.get_secret_value()} {USER} {BODY}"
ROW: Final = row(user_id=USER, assignment_id=BODY)


def json_of(body: Any) -> Behaviour:
    return says(ok(json.dumps(body).encode()))


FAULTS: Final[dict[str, Behaviour]] = {
    "no-http": says(f"SSH-2.0 {ECHO}\r\n".encode()),
    "bad-header": says(f"HTTP/1.1 200 OK\r\n{ECHO}\r\n\r\n".encode()),
    "bad-chunk": says(head(Transfer_Encoding="chunked") + f"{ECHO}\r\n".encode()),
    "bad-reason": says(f"HTTP/1.1 500 {ECHO}\r\nContent-Length: 0\r\n\r\n".encode()),
    "reset": resets_in_the_body,
    "closed": says(b""),
    "hangs": hangs,
    "bad-gzip": says(head(Content_Encoding="gzip") + ECHO.encode()),
    "odd-coding": says(head(Content_Encoding=ECHO) + b"{}"),
    "after-gzip": says(head(Content_Encoding="gzip") + gzip.compress(b"{}") + ECHO.encode()),
    "odd-type": says(ok(ECHO.encode(), Content_Type_=ECHO)),
    "status": says(head("503 Busy", Retry_After=ECHO, X_Debug=ECHO) + ECHO.encode()),
    "cookie": says(head("403 No", Set_Cookie=f"{ECHO}=1; {ECHO}", Content_Length="0")),
    "trailer": says(head("403 No", Transfer_Encoding="chunked") + f"0\r\n{ECHO}\r\n\r\n".encode()),
    "interim": says(head("103 Hints", Link=ECHO) * 100),
    "second-answer": says(head("403 No", Content_Length="0") + ECHO.encode()),
    "bad-length": says(head(Content_Length=ECHO)),
    "refused": says(head("403 No", X_Debug=ECHO) + ECHO.encode()),
    "redirect": says(head("302 Found", Location=f"http://{ECHO}/", Content_Length="0")),
    "no-json": says(ok(ECHO.encode())),
    "wrong-row": json_of(page(ROW, {**ROW, "essay_count": BODY})),
    "wrong-row-of-many": json_of(page({**ROW, "x": BODY * 10_000}, {**ROW, "essay_count": BODY})),
    "too-many-of-many": json_of(page({**ROW, "x": BODY * 10_000}, *[ROW] * 30)),
    "another-user": json_of(page(ROW, row(assignment_id=BODY))),
    "another-page": json_of(page(ROW, offset=7)),
    "too-many": json_of(page(*[ROW] * 30)),
    "odd-keys": json_of({ECHO: ECHO, "batches": [{ECHO: ECHO}]}),
}


def settings_for(port: int, transport: Literal["aiohttp", "httpx"]) -> BackendSettings:
    return BackendSettings.model_validate(
        {
            "internal_api_key": KEY,
            "ras_base_url": f"http://127.0.0.1:{port}",
            "cms_base_url": f"http://127.0.0.1:{port}",
            "http_transport": transport,
            "http_client_timeout_seconds": 0.3,
            "http_retries": 1,
            "http_retry_backoff_seconds": 0.001,
        }
    )


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any logger writes, at its lowest level."""
    caplog.set_level(logging.DEBUG)
    names = [name for name in logging.root.manager.loggerDict if name.startswith(("http", "aiohttp", "asyncio"))]
    for name in names:
        caplog.set_level(logging.DEBUG, logger=name)
    yield caplog
    logging.getLogger(__name__).debug("the log is being read")
    assert "the log is being read" in caplog.text


def told_by(error: BaseException) -> str:
    """All that an error can show: texts, attributes, causes, tracebacks, and the locals of the frames of each."""
    parts: list[str] = []
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None:
            parts += [str(one), repr(one), repr(vars(one)), repr(one.args), *traceback.format_exception(one)]
            parts += [repr(value) for frame in frames(one.__traceback__) for value in frame.values()]
            pending += [one.__cause__, one.__context__]
    return "\n".join(parts)


def frames(trace: TracebackType | None) -> Iterator[dict[str, Any]]:
    """The locals of each frame but for those of this file, which made the secrets up."""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__:
            yield trace.tb_frame.f_locals
        trace = trace.tb_next


def seen_by_rich(error: BaseException) -> str:
    """What Rich takes from an error and the locals of its frames before it lays them out and colours them."""
    shown = error.with_traceback(error.__traceback__.tb_next if error.__traceback__ else None)  # without this file's
    found = Traceback.extract(
        type(error), shown, shown.__traceback__, show_locals=True, locals_max_string=1_000_000, locals_max_length=100
    )
    assert any(frame.locals for stack in found.stacks for frame in stack.frames)
    return repr(found)


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failed_call_leaks_nothing(
    fault: str, transport: Literal["aiohttp", "httpx"], logged: pytest.LogCaptureFixture
) -> None:
    async with misbehaving_server(FAULTS[fault]) as port:
        settings = settings_for(port, transport)
        async with create_http_client(settings) as http:
            with pytest.raises(BackendError) as caught:
                await RASClient(http, settings).get_batches_for_user(USER)
    reported = told_by(caught.value) + logged.text + repr([vars(record) for record in logged.records])
    reported += seen_by_rich(caught.value)

    assert [secret for secret in SECRETS if secret in reported] == []


def values_in(root: object) -> Iterator[object]:
    """Everything that can be reached through attributes and collections, as some error reporters do, but no secrets."""
    pending: list[Any] = [root]
    seen = set[int]()
    while pending:
        one = pending.pop()
        if id(one) in seen or isinstance(one, SecretStr | Secret | ModuleType | type):
            continue
        seen.add(id(one))
        yield one
        slots = (name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ()))
        pending += [getattr(one, name, None) for name in (*getattr(one, "__dict__", ()), *slots)]
        if isinstance(one, dict | list | tuple | set | frozenset | deque):
            pending += cast("Iterable[Any]", one.items() if isinstance(one, dict) else one)


@pytest.mark.parametrize("fault", ["wrong-row", "no-json", "odd-type", "status", "refused", "odd-keys"])
async def test_no_attribute_within_reach_of_a_traceback_holds_an_answer(fault: str) -> None:
    async with misbehaving_server(FAULTS[fault]) as port:
        settings = settings_for(port, "aiohttp")
        async with create_http_client(settings) as http:
            with pytest.raises(BackendError) as caught:
                await RASClient(http, settings).get_batches_for_user(USER)
    texts = [one for one in values_in(list(frames(caught.value.__traceback__))) if isinstance(one, str | bytes)]

    assert texts
    assert [secret for secret in SECRETS if secret in repr(texts)] == []


@pytest.mark.parametrize(
    "user_id",
    [USER + "/", USER + "\0", USER * 1000, USER.encode(), [USER]],
    ids=["slash", "nul", "long", "bytes", "list"],
)
async def test_a_refused_user_id_is_in_no_frame(user_id: Any) -> None:
    settings = settings_for(1, "aiohttp")
    async with create_http_client(settings) as http:
        ras = RASClient(http, settings)
        with pytest.raises(InvalidArgument) as caught:
            await ras.get_batches_for_user(user_id)
        with pytest.raises(InvalidArgument) as later:
            _ = [0 async for _ in ras.iter_batches_for_user(user_id)]

    assert USER not in told_by(caught.value) + told_by(later.value)


async def test_an_iteration_that_fails_later_leaks_nothing(logged: pytest.LogCaptureFixture) -> None:
    pages = iter([json_of(page(ROW, total=9, limit=1)), FAULTS["wrong-row"]])

    async def in_turn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(pages)(reader, writer)

    async with misbehaving_server(in_turn) as port:
        settings = settings_for(port, "aiohttp")
        async with create_http_client(settings) as http:
            with pytest.raises(BackendError) as caught:
                _ = [0 async for _ in RASClient(http, settings).iter_batches_for_user(USER, page_size=1)]

    assert [secret for secret in SECRETS if secret in told_by(caught.value) + logged.text] == []


async def test_a_merged_page_that_times_out_leaks_nothing_that_was_read() -> None:
    first = json_of(page(ROW, ROW | {"batch_id": BATCH}, limit=2, total=9))
    parts = itertools.count()

    async def four_and_then_none(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (first if next(parts) < 4 else hangs)(reader, writer)

    async with misbehaving_server(four_and_then_none) as port:
        settings = settings_for(port, "aiohttp")
        async with create_http_client(settings) as http:
            with pytest.raises(BackendError) as caught:
                await RASClient(http, settings).get_batches_for_user(USER, limit=2, status="processing")

    assert [secret for secret in SECRETS if secret in told_by(caught.value)] == []


async def test_a_cancelled_call_leaks_nothing() -> None:
    asked = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await hangs(reader, writer)

    async with misbehaving_server(waits) as port:
        settings = settings_for(port, "aiohttp")
        async with create_http_client(settings) as http:
            call = asyncio.create_task(RASClient(http, settings).get_batches_for_user(USER))
            await asked.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await call

    assert [secret for secret in SECRETS if secret in told_by(caught.value)] == []


class StopError(BaseException):
    """Neither an `Exception` nor one that Python defines."""


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(KeyboardInterrupt(), id="interrupt"),
        pytest.param(SystemExit(), id="exit"),
        pytest.param(GeneratorExit(), id="dropped"),
        pytest.param(StopError(), id="of-others"),
        pytest.param(BaseExceptionGroup("httpx's own", [OSError(ECHO), SystemExit()]), id="in-a-group"),
    ],
)
async def test_a_call_in_which_the_process_ends_leaks_nothing(end: BaseException) -> None:
    def ends(_: httpx.Request) -> httpx.Response:
        raise end

    alone = SystemExit if isinstance(end, BaseExceptionGroup) else type(end)  # pyright: ignore[reportUnknownArgumentType]
    async with httpx.AsyncClient(transport=httpx.MockTransport(ends)) as http:
        with pytest.raises(alone) as caught:
            await RASClient(http, settings_for(1, "aiohttp")).get_batches_for_user(USER)

    assert [secret for secret in SECRETS if secret in told_by(caught.value)] == []


async def test_one_failed_part_of_many_leaks_nothing_of_the_others() -> None:
    ids = [f"{number:08x}{BATCH[8:]}" for number in range(150)]
    class_info = {"class_id": BATCH, "class_name": BODY}
    answers = iter([json_of(dict.fromkeys(ids[:100], class_info)), says(head("403 No", Content_Length="0"))])

    async def in_turn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async with misbehaving_server(in_turn) as port:
        settings = settings_for(port, "aiohttp")
        async with create_http_client(settings) as http:
            with pytest.raises(BackendError) as caught:
                await CMSClient(http, settings).get_batch_class_info(ids)

    assert BODY not in told_by(caught.value)


NAME: Final = {
    "essay_id": BATCH,
    "student_id": BATCH,
    "student_person_name": {"first_name": "Ingeborg", "last_name": "Leary", "legal_full_name": "Ingeborg M. Leary"},
}
PERSON: Final = ("Ingeborg", "Leary")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([NAME, {**NAME, "essay_id": "Ingeborg"}], id="name-for-an-id"),
        pytest.param([NAME, {**NAME, "student_person_name": "Leary"}], id="text-for-a-name"),
        pytest.param([NAME, {**NAME, "student_person_name": {"first_name": ["Leary"]}}], id="list-for-a-name"),
        pytest.param([NAME, ["Ingeborg"]], id="list-for-a-row"),
        pytest.param({"Ingeborg": NAME}, id="map-for-a-list"),
        pytest.param([NAME] * 2001, id="too-many"),
        pytest.param(json.dumps([NAME])[:-20], id="broken-off"),
    ],
)
async def test_a_name_of_a_student_is_shown_nowhere(body: Any, logged: pytest.LogCaptureFixture) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    async with misbehaving_server(says(ok(text.encode()))) as port:
        settings = settings_for(port, "aiohttp")
        async with create_http_client(settings) as http:
            with pytest.raises(ContractViolation) as caught:
                await CMSClient(http, settings).get_batch_student_names(BATCH)
    reported = told_by(caught.value) + seen_by_rich(caught.value) + logged.text

    assert [part for part in PERSON if part in reported] == []


async def test_the_text_of_a_name_that_was_read_has_its_ids_alone(logged: pytest.LogCaptureFixture) -> None:
    async with misbehaving_server(json_of([NAME])) as port:
        settings = settings_for(port, "aiohttp")
        async with create_http_client(settings) as http:
            names = await CMSClient(http, settings).get_batch_student_names(BATCH)
    shown = f"{names} {names[0]} {names[0].student_person_name!r} {names[0].student_person_name} {logged.text}"
    shown += pretty_repr(names) + pretty_repr(names[0].student_person_name)

    assert names[0].student_person_name.last_name == "Leary"
    assert BATCH in shown
    assert [part for part in PERSON if part in shown] == []


def test_the_text_of_an_answer_has_its_status_alone() -> None:
    assert repr(Answer(200, ECHO, ECHO.encode(), ECHO)) == "Answer(status_code=200)"


async def test_the_text_of_what_is_long_lived_has_no_key() -> None:
    settings = settings_for(1, "aiohttp")
    async with create_http_client(settings) as http:
        client = RASClient(http, settings)
        upstream = client._upstream  # pyright: ignore[reportPrivateUsage]

        assert KEY.get_secret_value() not in repr([settings, vars(settings), vars(client), vars(upstream), vars(http)])
