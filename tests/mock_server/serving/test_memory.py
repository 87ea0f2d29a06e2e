"""What a connection knows of its client's head, and what the mock remembers of its answers, change no answer.

Two mocks get the same bytes. One may recognise and remember. The other gets every request on a new connection, where no
head is known and nothing is remembered.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_contracts.platform import CMS, RAS
from bff_contracts.states import USER_HAS_BATCHES
from bff_mock_server import Backend, Mock, MockApp, find_scenario
from bff_mock_server.serving.protocol import MockProtocol
from tests.mock_server.building import interaction, pact, rule, shipped
from tests.mock_server.serving.connections import PAGE, TEACHER, head

BATCH: Final = next(iter(find_scenario("default").rows.batches))
IDS: Final = ("3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00", "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d01")
EMPTY: Final[dict[str, Any]] = {"user_id": TEACHER, "batches": []}


@cache
def backends(*, lenient: bool = False) -> tuple[Backend, ...]:
    """RAS and CMS, and a service of which the official engine decides about some requests."""
    saved = interaction("save", "/saved", method="POST", headers={"Content-Type": "application/json"}, body={"a": 3})
    saved["request"]["body"] = {"content": {"b": 1}, "contentType": "application/json", "encoded": False}
    saved["request"]["matchingRules"] = {"body": {"$.b": rule({"match": "integer"})}}
    numbered = {"header": {"X-Number": rule({"match": "number"}, {"match": "integer"})}}
    others = pact(
        interaction("things", body={"a": 1}),
        interaction("numbered", "/numbered", headers={"X-Number": "5"}, rules=numbered, body={"a": 2}),
        interaction("for one id", "/for-ids", headers={"X-Correlation-ID": IDS[1]}, body={"a": 4}),
        interaction("for any id", "/for-ids", body={"a": 5}),
        saved,
    )
    return tuple(Backend(one, lenient=lenient) for one in (shipped(RAS), shipped(CMS), others))


class Wire(asyncio.Transport):
    """What a protocol has written, without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self._is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self._is_closed = True

    abort = close

    def is_closing(self) -> bool:
        return self._is_closed

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Side:
    """One of the mocks, and its open connections by their number."""

    def __init__(self, *, keeps: bool, lenient: bool) -> None:
        self.backends = backends(lenient=lenient)
        self.mock = Mock(self.backends, find_scenario("default"))
        self._app = MockApp(self.mock, *self.mock.backends)
        self._keeps = keeps
        self._open: dict[int, tuple[MockProtocol, Wire]] = {}

    def send(self, number: int, parts: Iterable[bytes]) -> bytes:
        """What is answered to bytes that arrive in these parts."""
        protocol, wire = self._open.get(number) or self._connected()
        wire.written = b""
        for part in parts:
            if not wire.is_closing():
                protocol.data_received(part)
        if self._keeps and not wire.is_closing():
            self._open[number] = protocol, wire
        else:
            self._open.pop(number, None)
        return wire.written

    def _connected(self) -> tuple[MockProtocol, Wire]:
        protocol, wire = MockProtocol(self._app, set()), Wire()
        protocol.connection_made(wire)
        return protocol, wire

    def reload(self, names: Iterable[str]) -> None:
        self.mock.reload([one for one in self.backends if one.provider in names], find_scenario("default"))
        self._app.reload()

    def seen(self) -> list[Any]:
        """All that the journal and the coverage say, but for the times."""
        journal = [
            (
                one._replace(answered=0, seconds=0, response=None),
                one.response and (one.response.text, one.response.headers),
            )
            for one in self.mock.journal.exchanges()
        ]
        return [journal, self.mock.coverage()]


@dataclass(frozen=True)
class Sent:
    """Bytes on one of the connections, again and again."""

    connection: int
    parts: tuple[bytes, ...]
    times: int


Change = Callable[[Side], object]
CHANGES: Final[dict[str, Change]] = {
    "arm": lambda side: side.mock.arm("ras", "status=503"),
    "arm once": lambda side: side.mock.arm("ras", "status=503 times=1"),
    "arm for one": lambda side: side.mock.arm("ras", "status=500", about=[TEACHER]),
    "arm in a session": lambda side: side.mock.arm("ras", "status=503", session="one"),
    "disarm": lambda side: side.mock.disarm(),
    "state": lambda side: side.mock.set_state(side.mock.backends[0], USER_HAS_BATCHES, EMPTY),
    "state in a session": lambda side: side.mock.set_state(
        side.mock.backends[0], USER_HAS_BATCHES, EMPTY, session="one"
    ),
    "restart": lambda side: side.mock.sessions.restart(None, find_scenario("empty-school")),
    "restart with rows": lambda side: side.mock.sessions.restart(None, find_scenario("default")),
    "end of a session": lambda side: side.mock.end("one"),
    "reload": lambda side: side.reload([one.provider for one in side.backends]),
    "other contracts": lambda side: side.reload([RAS, "thing-service"]),
}

TARGETS: Final = (
    PAGE,
    PAGE.replace("limit=5", "limit=2"),
    PAGE.replace("?", "%20?"),
    f"/internal/v1/batches/class-info?batch_ids={BATCH}",
    "/healthz",
    "/things",
    "/numbered",
    "/saved",
    "/for-ids",
    "/unknown",
    f"{PAGE}&unknown=1",
)
HEADERS: Final = st.fixed_dictionaries(
    {"X_Correlation_ID": st.sampled_from([*IDS, "not-a-uuid", "a b", ""])},
    optional={
        "X_Internal_API_Key": st.sampled_from(["wrong", ""]),
        "X_Mock_Session": st.sampled_from(["one", "two", "/"]),
        "X_Mock_Fault": st.sampled_from(["status=503", "status=503 times=1", "nonsense"]),
        "X_Number": st.sampled_from(["7", "7.5", "many"]),
        "Connection": st.sampled_from(["close", "keep-alive"]),
        "Accept": st.just("text/plain"),
    },
)
BODIES: Final = st.sampled_from([b"", b'{"b": 2}', b'{"b": "x"}', b"b=2", b"{"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request."""
    headers = draw(HEADERS)
    body, framing = b"", draw(st.sampled_from(["none", "none", "none", "length", "chunked"]))
    if framing != "none":
        body = draw(BODIES)
        headers["Content_Type"] = draw(st.sampled_from(["application/json", "application/x-www-form-urlencoded"]))
        if draw(st.booleans()):
            headers["Expect"] = "100-continue"
    if framing == "length":
        headers["Content_Length"] = str(len(body))
    if framing == "chunked":
        headers["Transfer_Encoding"] = "chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    first = head(
        draw(st.sampled_from(TARGETS)),
        method=draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT"])),
        version=draw(st.sampled_from(["1.1", "1.1", "1.1", "1.0"])),
        **headers,
    )
    if draw(st.sampled_from([False, False, True])):
        name = b"X-Correlation-ID: "
        first = first.replace(
            name, draw(st.sampled_from([b"x-correlation-id: ", b"X-Other: ", name + b"x\r\n" + name]))
        )
    if draw(st.sampled_from([False, False, True])):
        line, *fields = first.removesuffix(b"\r\n\r\n").split(b"\r\n")
        more = draw(st.sampled_from([[], [b"Accept: */*"], [b"X-Internal-API-Key: other"], [b"Cookie: a=b"]]))
        first = b"\r\n".join([line, *draw(st.permutations([*fields, *more])), b"", b""])
    return first + body


@st.composite
def sendings(draw: st.DrawFn) -> Sent:
    """A request or two, whole or in two parts."""
    data = draw(requests())
    if draw(st.sampled_from([False, False, False, True])):
        data += draw(requests())
    cut = draw(st.sampled_from([None, None, None, 1, len(data) // 2, len(data) - 1]))
    parts = (data,) if cut is None else (data[:cut], data[cut:])
    return Sent(draw(st.integers(0, 1)), parts, draw(st.sampled_from([1, 1, 3, 5])))


@dataclass(frozen=True)
class Polled:
    """A GET that its client repeats with other correlation ids, so that it is remembered."""

    target: str
    session: str
    spelling: str
    key: str

    def with_id(self, correlation_id: str) -> Sent:
        more = {"X_Mock_Session": self.session} if self.session else {}
        more |= {"X_Internal_API_Key": self.key} if self.key else {}
        data = head(self.target, **more, X_Correlation_ID=correlation_id)
        return Sent(0, (data.replace(b"X-Correlation-ID", self.spelling.encode()),), 1)


POLLED_TARGETS: Final = st.sampled_from([PAGE, PAGE, *TARGETS])


def polls(targets: st.SearchStrategy[str]) -> st.SearchStrategy[Polled]:
    return st.builds(
        Polled,
        target=targets,
        session=st.sampled_from(["", "one"]),
        spelling=st.sampled_from(["X-Correlation-ID", "x-correlation-id"]),
        key=st.sampled_from(["", "", "wrong"]),
    )


ONE_TARGET: Final = POLLED_TARGETS.flatmap(lambda one: st.lists(polls(st.just(one)), min_size=2, max_size=2))
POLLED: Final = st.lists(polls(POLLED_TARGETS), min_size=1, max_size=2) | ONE_TARGET
POLLED_IDS: Final = st.lists(st.sampled_from([*IDS, *IDS, "not-a-uuid"]), min_size=1, max_size=3)
CHANGE: Final = st.sampled_from(sorted(CHANGES))
STEPS: Final = st.lists(st.tuples(CHANGE | CHANGE | sendings(), POLLED_IDS), max_size=10)


@pytest.mark.parametrize("kind", ["strict", "lenient"])
@given(polled=POLLED, steps=STEPS)
def test_no_answer_depends_on_what_was_remembered(
    kind: str, polled: list[Polled], steps: list[tuple[Sent | str, list[str]]]
) -> None:
    async def compare() -> None:
        sides = [Side(keeps=keeps, lenient=kind == "lenient") for keeps in (True, False)]

        def ask(sent: Sent) -> None:
            for _ in range(sent.times):
                first, second = (side.send(sent.connection, sent.parts) for side in sides)
                assert first == second

        def poll(ids: Iterable[str]) -> None:
            for one in polled:
                for correlation_id in ids:
                    ask(one.with_id(correlation_id))

        poll([*IDS, *IDS])
        for step, ids in steps:
            if isinstance(step, Sent):
                ask(step)
            else:
                for side in sides:
                    CHANGES[step](side)
            poll(ids)
        assert sides[0].seen() == sides[1].seen()

    asyncio.run(compare())
