"""The double of the Pact Broker is held against each exchange that was recorded from the real one."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

import httpx
import pytest
import respx

from bff_contracts.platform import CMS, RAS
from tests.support.broker_answers import READER, WRITER, Answer, Request, Who, answer
from tests.support.broker_double import Broker
from tests.support.broker_records import BASE, FOLDER, Recorded, recorded
from tests.support.broker_state import JSON, hash_of

BFF: Final = "bff-teacher-service"
DOCUMENTS: Final[Mapping[str, JSON]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (FOLDER / "contracts").glob("*.json")
}
"""The contracts that were published when the exchanges were recorded, by their providers."""
NUMBERS: Final = sorted(int(file.name[:2]) for file in FOLDER.glob("*.json"))
SELF_MADE: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{40}\b|(?<=/webhooks/)[\w-]{22}|(?<=\"uuid\": \")[\w-]{22}"
)
"""What a broker makes up: it is compared by where the same one comes again."""
TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+]00:00)|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT"
)
DEMO: Final = "demo-consumer"
WRONG: Final = {7: "Basic d3JvbmcgOnBhc3N3b3Jk", 8: "Bearer a-token", 9: "Bearer "}


def with_status(status: int) -> JSON:
    """The contract with CMS in which the responses that were 200 are others."""
    text = json.dumps(DOCUMENTS[CMS]).replace('"status": 200', f'"status": {status}')
    return cast("JSON", json.loads(text))


RENAMED: Final[JSON] = json.loads(json.dumps(DOCUMENTS[CMS], ensure_ascii=False).replace("Svenska 1 ", "Svenska 9 "))
CONTENTS: Final[Mapping[int, JSON]] = {
    10: DOCUMENTS[CMS],
    17: DOCUMENTS[CMS],
    19: DOCUMENTS[CMS],
    21: DOCUMENTS[CMS],
    18: DOCUMENTS[RAS],
    20: RENAMED,
    48: with_status(204),
    51: with_status(205),
}
"""What the recordings hold only the beginning of."""
HASHES: Final = {
    "6328dc5a5756da2de5beceecdfd9d09138a0e7bf": hash_of(DOCUMENTS[CMS]),
    "1739a7b11055a0f8d59738e89886ddc84c6d6f67": hash_of(with_status(204)),
    "a09192b0b25143b148a8c82202ee23638c5c89f4": hash_of(DOCUMENTS[RAS]),
}


def encoded(document: Mapping[str, Any]) -> str:
    return base64.b64encode(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()).decode()


class Replay:
    """The recorded exchanges in an order in which the real broker could have had them, on one double."""

    def __init__(self) -> None:
        self.broker = Broker(BASE)
        self.answers: dict[int, Answer] = {}

    def play(self, *numbers: int) -> None:
        for number in numbers:
            exchange = recorded(number)
            self.answers[number] = self.ask(
                exchange.method, exchange.path, self._sent(number, exchange), self._headers(number, exchange)
            )

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        for theirs, ours in HASHES.items():
            path = path.replace(theirs, ours)
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        headers = headers or {"content-type": "application/json", "authorization": basic(WRITER)}
        return answer(self.broker.state, Who(BASE), Request(method, path, headers, text.encode()))

    def publish(self, version: str, *documents: Mapping[str, Any], tags: list[str] | None = None) -> None:
        """Publish contracts on main."""
        contracts = [
            {
                "consumerName": document["consumer"]["name"],
                "providerName": document["provider"]["name"],
                "specification": "pact",
                "content": encoded(document),
            }
            for document in documents
        ]
        name = documents[0]["consumer"]["name"]
        body = {"pacticipantName": name, "pacticipantVersionNumber": version, "branch": "main", "contracts": contracts}
        assert self.ask("POST", "/contracts/publish", body | ({"tags": tags} if tags else {})).status == 200

    def result(self, provider: str, version: str, content: str, *, success: bool = True) -> None:
        path = f"/pacts/provider/{provider}/consumer/{BFF}/pact-version/{content}/verification-results"
        assert self.ask("POST", path, {"providerApplicationVersion": version, "success": success}).status == 201

    def on_main(self, participant: str, version: str, branch: str = "main") -> None:
        self.ask("PUT", f"/pacticipants/{participant}/branches/{branch}/versions/{version}", {})

    def deploy(self, participant: str, version: str, environment: str = "production") -> None:
        found = self.broker.state.environment(environment)
        assert found is not None
        path = f"/pacticipants/{participant}/versions/{version}/deployed-versions/environment/{found['uuid']}"
        assert self.ask("POST", path, {}).status == 201

    def webhook(self, description: str, *events: str, **about: JSON) -> None:
        names = [{"name": event} for event in events]
        request = {"method": "POST", "url": "http://webhook.test/fail", "body": {"x": 1}}
        body = {"description": description, "events": names, "request": request, **about}
        assert self.ask("POST", "/webhooks", body).status == 201

    def _sent(self, number: int, exchange: Recorded) -> Any:
        if number not in CONTENTS:
            return exchange.sent
        (contract,) = exchange.sent["contracts"]
        content = encoded(CONTENTS[number])
        assert content.startswith(contract["content"].removesuffix("…"))
        assert f"of {len(content)} characters" in exchange.note
        return {**exchange.sent, "contracts": [{**contract, "content": content}]}

    def _headers(self, number: int, exchange: Recorded) -> dict[str, str]:
        user = READER if number in {10, 11} else WRITER
        return {**exchange.headers, "authorization": WRONG.get(number, basic(user))}


def basic(user: tuple[str, str]) -> str:
    return f"Basic {base64.b64encode(':'.join(user).encode()).decode()}"


def begun(replay: Replay) -> None:
    """From a fresh database to the first deployment."""
    replay.play(1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 10)
    replay.play(17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 11, 30, 32, 31)
    replay.result(CMS, "cms-1", hash_of(DOCUMENTS[CMS]))
    replay.on_main(RAS, "ras-1")
    replay.result(RAS, "ras-1", hash_of(DOCUMENTS[RAS]))
    replay.play(35, 36, 38, 39)
    replay.deploy(RAS, "ras-1")
    replay.play(42)


def gone_on(replay: Replay) -> None:
    """A second version of the BFF, with webhooks, which CMS does not keep."""
    replay.ask("POST", "/environments", {"name": "staging2", "production": False})
    replay.deploy(BFF, "bff-1", "staging2")
    replay.deploy(BFF, "bff-1")
    results = ("contract_published", "contract_content_changed")
    replay.webhook("tell of results", *results, consumer={"name": BFF})
    replay.play(40, 41, 47)
    replay.webhook("target answers 500", "contract_requiring_verification_published", provider={"name": CMS})
    replay.publish("bff-2", DOCUMENTS[RAS])
    replay.play(48, 33)
    replay.on_main(CMS, "cms-2")
    replay.result(CMS, "cms-2", hash_of(DOCUMENTS[CMS]))
    replay.play(34, 44)
    replay.deploy(CMS, "cms-2")
    replay.on_main(RAS, "ras-2")
    replay.play(43)
    replay.on_main(CMS, "cms-3")
    replay.publish("bff-4", DOCUMENTS[RAS])
    replay.play(51, 22, 45, 46)
    replay.on_main(BFF, "no-pacts-1", "elsewhere")
    replay.play(37)
    replay.publish("bff-5", DOCUMENTS[CMS])
    replay.play(58, 59)


def several_at_once(replay: Replay) -> None:
    """One request with several contracts."""
    replay.play(53, 54)
    first, _ = (json.loads(base64.b64decode(each["content"])) for each in recorded(53).sent["contracts"])
    replay.publish("d-3", first)
    replay.play(55, 56, 57)
    for _ in range(2):
        replay.webhook("v", "contract_published", consumer={"name": DEMO})
    replay.webhook("b", "contract_requiring_verification_published", provider={"name": "demo-provider-b"})
    replay.play(52)


@pytest.fixture(scope="module")
def replayed() -> Replay:
    replay = Replay()
    begun(replay)
    gone_on(replay)
    several_at_once(replay)
    with respx.mock(assert_all_called=False) as router:
        date = "Fri, 27 Nov 2026 12:21:48 GMT"
        headers = {"server": "BaseHTTP/0.6 Python/3.11.7", "date": date, "content-length": "0"}
        router.post("http://webhook.test/hook").respond(204)
        router.post("http://webhook.test/fail").respond(500, headers=headers)
        deliveries = replay.broker.deliver()
    (sent, *_) = (each for each in deliveries if each.url.path == "/hook")
    replay.answers[49] = as_answer(sent)
    failed = next(each for each in replay.broker.state.triggered if each.webhook["description"] == "target answers 500")
    headers = {"accept": "text/plain", "authorization": basic(WRITER)}
    replay.answers[50] = replay.ask("GET", f"/triggered-webhooks/{failed.uuid}/logs", headers=headers)
    return replay


def as_answer(sent: httpx.Request) -> Answer:
    """A request of the broker, in the form of a response for comparison."""
    names = recorded(49).headers.keys() - {"authorization", "content-type"}
    headers = {name: sent.headers[name] for name in names}
    return Answer(0, sent.headers["content-type"], json.loads(sent.content), headers)


def comparable(status: int, headers: Mapping[str, str], body: Any) -> Any:
    """A response with times and generated values replaced by numbers, in order of appearance."""
    known: dict[str, str] = {}
    text = json.dumps([status, dict(headers), body], sort_keys=True, ensure_ascii=False)
    text = re.sub(r"@@ -\d+,7 \+\d+,7 @@", "@@", text)  # the double counts lines in another way
    text = SELF_MADE.sub(lambda found: known.setdefault(found[0], f"<{len(known)}>"), TIME.sub("<time>", text))
    return json.loads(text)


def expected(number: int) -> Any:
    exchange = recorded(number)
    if number == 49:
        headers = {name: value for name, value in exchange.headers.items() if name != "authorization"}
        return comparable(0, headers, exchange.sent)
    return comparable(exchange.status, exchange.answer_headers, exchange.body)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: recorded(number).name)
def test_a_recorded_exchange_is_replayed(replayed: Replay, number: int) -> None:
    given = replayed.answers[number]
    body = given.body
    if number == 28:  # of which the recording has the first interaction
        body = {**body, "interactions": body["interactions"][:1]}
    kind = {"content-type": given.content_type} if given.content_type else {}

    assert comparable(given.status, {**kind, **given.headers}, body) == expected(number)
