"""Repeated requests are answered from memory, exactly as they would be otherwise."""

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import ref

import pytest

from bff_contracts.pact.file import Pact
from bff_contracts.platform import CMS, CORRELATION_HEADER, RAS
from bff_contracts.states import USER_HAS_BATCHES
from bff_mock_server import Backend, Mock, MockApp, find_scenario
from bff_mock_server.answering import recall
from bff_mock_server.answering.exchange import Exchange
from bff_mock_server.responses.reply import Reply
from tests.mock_server.building import HEADERS, interaction, pact, regex, request, rule, shipped

TEACHER = find_scenario("default").teachers[0].user_id
PAGE = f"/internal/v1/batches/user/{TEACHER}?limit=5&offset=0"
BATCH = next(iter(find_scenario("default").rows.batches))
CLASSES = f"/internal/v1/batches/class-info?batch_ids={BATCH}"
CORRELATION_IDS = [f"3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d{number:02}" for number in range(10)]


class Answer(NamedTuple):
    reply: Reply
    is_recalled: bool
    exchange: Exchange


class Client:
    """Sends requests like a connection that has sent the same head before."""

    def __init__(self, *pacts: Pact, keys: Sequence[str] = ()) -> None:
        self.mock = Mock([Backend(one) for one in pacts], find_scenario("default"), keys=keys)
        self.app = MockApp(self.mock, *self.mock.backends)

    def ask(self, target: str, correlation_id: str | None = CORRELATION_IDS[0], **headers: str) -> Answer:
        sent = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        del sent["X-Correlation-ID"]
        surroundings = repr(sent).encode(), b"" if correlation_id is None else b"\r\n\r\n"
        if correlation_id is not None:
            sent["X-Correlation-ID"] = correlation_id
        reply = self.app.recall(surroundings, target, correlation_id)
        is_recalled = reply is not None
        if reply is None:
            asked = request(target, headers=sent)
            asked.surroundings = surroundings
            reply = self.app.answer(asked)
        return Answer(reply, is_recalled, self.mock.journal.exchanges()[-1])

    def ask_until_recalled(self, target: str, **headers: str) -> Answer:
        answers = [self.ask(target, correlation_id, **headers) for correlation_id in CORRELATION_IDS[:3]]
        assert [answer.is_recalled for answer in answers] == [False, False, True]
        return answers[-1]


@pytest.fixture
def client() -> Client:
    return Client(shipped(RAS), shipped(CMS))


@pytest.mark.parametrize("target", [PAGE, CLASSES, "/healthz"])
def test_the_third_request_is_answered_from_memory_and_alike(client: Client, target: str) -> None:
    recalled = client.ask_until_recalled(target)
    expected = Client(shipped(RAS), shipped(CMS)).ask(target)

    assert recalled.reply.body == expected.reply.body
    assert recalled.reply.headers == expected.reply.headers


def test_a_repeated_request_is_recorded_again(client: Client) -> None:
    recalled = client.ask_until_recalled(PAGE)
    first, second, third = client.mock.journal.exchanges()

    assert third == recalled.exchange
    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert [one.correlation_id for one in (first, second, third)] == CORRELATION_IDS[:3]
    assert first.answered <= second.answered <= third.answered
    assert 0 <= third.seconds < third.answered
    assert dict(third.headers) == {**first.headers, CORRELATION_HEADER: CORRELATION_IDS[2]}
    as_first = third._replace(number=1, answered=first.answered, seconds=first.seconds, headers=first.headers)
    assert as_first._replace(response=None) == first._replace(response=None)
    assert third.response is not None
    assert first.response is not None
    assert third.response.text == first.response.text


def test_a_client_without_correlation_ids_is_answered_from_memory_too() -> None:
    client = Client(pact(interaction("thing", body={"a": 1})))
    answers = [client.ask("/things", None) for _ in range(3)]

    assert [answer.is_recalled for answer in answers] == [False, False, True]
    assert len({answer.reply for answer in answers}) == 1
    assert CORRELATION_HEADER not in answers[-1].exchange.headers


def test_a_repetition_counts_in_the_coverage(client: Client) -> None:
    client.ask_until_recalled(PAGE)

    assert {use.times for use in client.mock.coverage()} == {0, 3}


def test_a_key_in_the_correlation_id_of_a_repetition_is_not_shown() -> None:
    open_to_any = pact(interaction("thing", body={"a": 1}))
    client = Client(open_to_any, keys=["the-real-key"])
    client.ask_until_recalled("/things")

    leaking = client.ask("/things", "id-the-real-key")
    assert leaking.is_recalled
    assert "the-real-key" not in repr(leaking.exchange)


CHANGES: dict[str, Callable[[Mock], object]] = {
    "state": lambda mock: mock.set_state(mock.backends[0], USER_HAS_BATCHES, {"user_id": TEACHER, "batches": []}),
    "restart": lambda mock: mock.sessions.restart(None, find_scenario("empty-school")),
    "reload": lambda mock: mock.reload(mock.backends, find_scenario("empty-school")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_rows_that_change_change_the_answer(client: Client, change: Callable[[Mock], object]) -> None:
    before = client.ask_until_recalled(PAGE)
    change(client.mock)
    after = client.ask(PAGE)

    assert not after.is_recalled
    assert after.reply.body != before.reply.body


def test_another_contract_changes_the_answer() -> None:
    client = Client(pact(interaction("thing", body={"a": 1})))
    assert client.ask_until_recalled("/things").reply.body == b'{"a":1}'
    client.mock.reload([Backend(pact(interaction("thing", body={"a": 2})))], find_scenario("default"))
    client.app.reload()

    assert client.ask("/things").reply.body == b'{"a":2}'


def test_a_fault_applies_to_a_remembered_answer_and_leaves_it_unchanged(client: Client) -> None:
    before = client.ask_until_recalled(PAGE)
    client.mock.arm("ras", "status=503 times=1")
    struck = client.ask(PAGE)
    client.mock.disarm()
    after = client.ask(PAGE)

    assert (struck.reply.status, struck.is_recalled) == (503, False)
    assert (after.reply, after.is_recalled) == (before.reply, True)


@pytest.mark.parametrize("fault", ["status=503 times=1", "status=503 rate=0", "latency=1ms times=2"])
def test_an_answer_to_a_fault_header_is_never_remembered(client: Client, fault: str) -> None:
    assert not any(client.ask(PAGE, X_Mock_Fault=fault).is_recalled for _ in range(5))


def test_an_answer_to_a_state_header_is_never_remembered(client: Client) -> None:
    state = f'{USER_HAS_BATCHES}; {{"user_id": "{TEACHER}", "batches": []}}'
    answers = [client.ask(PAGE, X_Mock_State=state) for _ in range(4)]

    assert not any(answer.is_recalled for answer in answers)


def test_each_session_has_its_own_answers(client: Client) -> None:
    client.ask_until_recalled(PAGE, X_Mock_Session="one")
    client.ask_until_recalled(CLASSES)
    client.mock.set_state(client.mock.backends[0], USER_HAS_BATCHES, {"user_id": TEACHER, "batches": []}, session="one")

    in_session = client.ask(PAGE, X_Mock_Session="one")
    assert not in_session.is_recalled
    assert b'"batches":[]' in in_session.reply.body
    assert b'"batches":[]' not in client.ask(PAGE).reply.body


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        pytest.param("/internal/v1/unknown", {}, 404, id="unknown-path"),
        pytest.param(f"{PAGE}&more=1", {}, 400, id="unknown-parameter"),
        pytest.param(PAGE, {"X_Internal_API_Key": "wrong"}, 401, id="wrong-key"),
    ],
)
def test_a_repeated_refusal_is_answered_from_memory_and_recorded(
    client: Client, target: str, headers: dict[str, str], status: int
) -> None:
    recalled = client.ask_until_recalled(target, **headers)
    alone = Client(shipped(RAS), shipped(CMS)).ask(target, CORRELATION_IDS[2], **headers)

    assert recalled.reply.status == status
    assert (recalled.reply.headers, recalled.reply.body) == (alone.reply.headers, alone.reply.body)
    assert recalled.exchange.differences == alone.exchange.differences
    assert recalled.exchange.interaction == alone.exchange.interaction


def test_a_refusal_that_is_about_a_correlation_id_is_not_remembered(client: Client) -> None:
    answers = [client.ask(f"{PAGE}&more=1", f"wrong-{number}") for number in range(4)]

    assert not any(answer.is_recalled for answer in answers)
    assert all(f"wrong-{number}".encode() in answer.reply.body for number, answer in enumerate(answers))


def test_a_wrong_correlation_id_is_rejected_again(client: Client) -> None:
    client.ask_until_recalled(PAGE)
    wrong = client.ask(PAGE, "not-a-uuid")

    assert (wrong.reply.status, wrong.is_recalled) == (400, False)


def test_a_correlation_id_may_decide_which_interaction_answers() -> None:
    special = {"X-Correlation-ID": "special"}
    any_id = {"X-Correlation-ID": "any"}
    rules = {"header": {"X-Correlation-ID": regex("[a-z]+")}}
    client = Client(
        pact(
            interaction("special", headers=special, body={"a": "special"}),
            interaction("any", headers=any_id, rules=rules, body={"a": "any"}),
        )
    )
    for correlation_id in ("one", "two", "three", "special", "four"):
        answer = client.ask("/things", correlation_id)
        assert answer.reply.body == (b'{"a":"special"}' if correlation_id == "special" else b'{"a":"any"}')
        assert not answer.is_recalled


def test_what_the_engine_decides_is_never_remembered() -> None:
    rules = {"header": {"X-Number": rule({"match": "number"}, {"match": "integer"})}}
    client = Client(pact(interaction("thing", headers={"X-Number": "5"}, rules=rules, body={"a": 1})))

    assert [client.ask("/things", X_Number="7").reply.status for _ in range(4)] == [200] * 4
    assert not client.ask("/things", X_Number="7").is_recalled


def test_what_the_engine_decides_keeps_nothing_else_from_being_remembered() -> None:
    rules = {"header": {"X-Number": rule({"match": "number"}, {"match": "integer"})}}
    by_engine: dict[str, Any] = {"headers": {"X-Number": "5"}, "rules": rules}
    client = Client(
        pact(
            interaction("thing", body={"a": 1}),
            interaction("another path", path="/others", body={"a": 2}, **by_engine),
            interaction("another method", method="POST", body={"a": 3}, **by_engine),
        )
    )

    assert client.ask_until_recalled("/things").reply.body == b'{"a":1}'


def test_rows_without_an_order_keep_changing_theirs(client: Client) -> None:
    answers = [client.ask(f"/internal/v1/batches/{BATCH}/status") for _ in range(8)]

    assert not any(answer.is_recalled for answer in answers)
    assert len({answer.reply.body for answer in answers}) > 1


def test_generated_values_stay_new() -> None:
    document = interaction("thing", body={"id": 1}, body_rules={"$.id": rule({"match": "integer"})})
    document["response"]["generators"] = {"body": {"$.id": {"type": "RandomInt", "min": 1, "max": 1_000_000}}}
    client = Client(pact(document))

    assert len({client.ask("/things").reply.body for _ in range(5)}) > 1


def test_the_same_request_to_another_port_is_not_mixed_up(client: Client) -> None:
    client.ask_until_recalled(PAGE)
    client.app = MockApp(client.mock, client.mock.backends[1])

    assert client.ask(PAGE).reply.status == 404


def test_a_replaced_contract_is_let_go(client: Client) -> None:
    client.ask_until_recalled(PAGE)
    replaced = [ref(backend) for backend in client.mock.backends]
    client.mock.reload([Backend(shipped(RAS))], find_scenario("default"))
    client.app.reload()
    gc.collect()

    assert not any(backend() for backend in replaced)


def test_memory_is_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    body = client.ask_until_recalled(PAGE).reply.body
    monkeypatch.setattr(recall, "_MOST_BYTES", 5 * (len(body) + recall._BYTES_BESIDE))  # pyright: ignore[reportPrivateUsage]
    targets = [PAGE.replace("offset=0", f"offset={offset}") for offset in range(20)]
    for target in [*targets, *targets]:
        client.ask(target)

    assert sum(client.ask(target).is_recalled for target in targets) <= 5
    client.ask_until_recalled(CLASSES)


@pytest.mark.parametrize("large", ["targets", "heads"])
def test_large_requests_take_no_more_memory_than_is_counted(monkeypatch: pytest.MonkeyPatch, large: str) -> None:
    most = 400_000
    monkeypatch.setattr(recall, "_MOST_BYTES", most)
    client = Client(pact(interaction("any", query={"q": ["x"]}, rules={"query": {"q": regex("[x0-9]+")}}, body={})))
    held = 0
    tracemalloc.start()
    for number in range(60):
        filler = f"{number}".rjust(10_000, "x")
        target, more = ("/things?q=x", {"X_Filler": filler}) if large == "heads" else (f"/things?q={filler}", {})
        for _ in range(2):
            client.ask(target, **more)
        client.mock.journal.clear()
        held = max(held, tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert most / 4 < held < most * 5 / 4  # the last request is there as well


def test_the_number_of_targets_seen_once_is_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "_MOST_TARGETS", 2)
    targets = [PAGE.replace("offset=0", f"offset={offset}") for offset in range(4)]

    for _ in range(3):
        assert not any(client.ask(target).is_recalled for target in targets)
