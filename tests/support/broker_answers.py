"""The answers of the Pact Broker double: the recorded statuses, content types, bodies and links."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

from tests.support.broker_matrix import branch_version, contract_document, for_verification, matrix
from tests.support.broker_publication import HAL, PLAIN_JSON, Answered, publish
from tests.support.broker_records import filled, recorded, template
from tests.support.broker_state import JSON, Published, State, Version

WRITER: Final = ("writer", "writer-secret-1")
READER: Final = ("reader", "reader-secret-2")
TOKEN: Final = "token-4711-secret"

_HASH: Final = r"/pacts/provider/(?P<provider>[^/]+)/consumer/(?P<consumer>[^/]+)/pact-version/(?P<content>[0-9a-f]+)"
_TEXT: Final = "text/plain"


@dataclass(frozen=True)
class Request:
    """One request that the double was sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    text: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def accept(self) -> str:
        return self.headers.get("accept", "*/*")


@dataclass(frozen=True)
class Answer:
    """An answer of the double; a body that is not text is JSON."""

    status: int
    content_type: str | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Who:
    """A request to the broker.

    Attributes:
        base: Its address, as it gives it in links.
        takes_tokens: Whether it wants the bearer token, as hosted ones do, instead of basic authentication.
    """

    base: str
    takes_tokens: bool = False


def answer(state: State, who: Who, request: Request) -> Answer:
    """The answer of the broker to a request, and its new state."""
    refusal = _locked_out(who, request)
    if refusal:
        return refusal
    html = "text/html" in request.accept
    methods, values = _routed(request.path)
    if not methods:
        return Answer(404, "text/html", recorded(6).body) if html else _not_found()
    unfit = _unfit(request, methods)
    if unfit:
        return unfit
    if html and request.path == "/":
        return Answer(200, "text/html;charset=utf-8", filled(recorded(2).body, {"http://broker.test": who.base}))
    return methods[request.method](_Call(state, who.base, request, values))


def _routed(path: str) -> "tuple[Mapping[str, _Route], dict[str, str]]":
    """What answers at a path, by method, and the values in the path."""
    for pattern, methods in _ROUTES.items():
        found = re.fullmatch(pattern, path)
        if found:
            return methods, {name: unquote(value) for name, value in found.groupdict().items() if value}
    return {}, {}


def _unfit(request: Request, methods: "Mapping[str, _Route]") -> Answer | None:
    """The answer to a request that no resource takes."""
    if request.method not in methods:
        return Answer(405, headers={"allow": ", ".join([*methods, "OPTIONS"])})
    if request.accept == "application/json":
        return Answer(406)
    kind = request.headers.get("content-type", "").partition(";")[0]
    if request.method in {"POST", "PUT"} and kind not in {"application/json", "application/hal+json"}:
        return Answer(415, HAL)
    try:
        request.body  # noqa: B018  # is it JSON?
    except ValueError as error:
        return Answer(400, HAL, {"error": f"JSON::ParserError - {error}"})
    return None


def _locked_out(who: Who, request: Request) -> Answer | None:
    given = request.headers.get("authorization", "")
    if who.takes_tokens:
        return None if given == f"Bearer {TOKEN}" else Answer(401, _TEXT)
    kind, _, value = given.partition(" ")
    if kind == "Bearer":
        return Answer(400, _TEXT)
    try:
        user = base64.b64decode(value).decode()
    except ValueError:
        user = ""
    reads = request.method in {"GET", "HEAD", "OPTIONS"} or request.path.endswith("/for-verification")
    if user == ":".join(WRITER) or (reads and user == ":".join(READER)):
        return None
    return Answer(401, _TEXT, headers={"www-authenticate": recorded(7).answer_headers["www-authenticate"]})


def _not_found() -> Answer:
    return Answer(404, PLAIN_JSON, recorded(5).body)


@dataclass(frozen=True)
class _Call:
    """One request to one route."""

    state: State
    base: str
    request: Request
    values: Mapping[str, str]

    def version(self) -> Version | None:
        return self.state.version(self.values["name"], self.values["version"])

    def published(self) -> Published | None:
        """The contract that the path names, by the version of the consumer or by its content."""
        values = self.values
        named = [
            each
            for each in self.state.published
            if (each.provider, each.consumer) == (values["provider"], values["consumer"])
        ]
        if "content" not in values:
            return next((each for each in named if each.version.number == values["version"]), None)
        same = [each for each in named if each.content == values["content"]]
        meant = _meant(values.get("metadata") or "")
        last = same[-1] if same else None
        return next((each for each in same if {str(each.version.id), each.version.number} & meant), last)

    def hal(self, status: int, body: Any, location: str | None = None) -> Answer:
        return Answer(status, HAL, body, {"location": location} if location else {})


def _meant(metadata: str) -> set[str]:
    """The versions of the consumer that a contract's URL names."""
    words = base64.urlsafe_b64decode(metadata + "=" * (-len(metadata) % 4)).decode()
    return {value for name, values in parse_qs(words).items() if name in {"cvn", "s[][cv]"} for value in values}


def _answered(answered: Answered) -> Answer:
    return Answer(*answered)


# Resources


def _root(call: _Call) -> Answer:
    return call.hal(200, template(1, base=call.base))


def _environments(call: _Call) -> Answer:
    document = template(12, base=call.base)
    document["_embedded"]["environments"] = [_environment(call.base, each) for each in call.state.environments]
    return call.hal(200, document)


def _environment(base: str, environment: JSON) -> JSON:
    title = environment.get("displayName", environment["name"])
    links = template(45, "_links", base=base)
    values = {
        "6c353441-28dc-4d0c-8e0a-c462513454be": environment["uuid"],
        "Integration": title,
        "integration": environment["name"],
    }
    return {**environment, "_links": filled(links, values)}


def _add_environment(call: _Call) -> Answer:
    wish = call.request.body
    errors = {name: ["is missing"] for name in ("name", "production") if name not in wish}
    if " " in wish.get("name", ""):
        errors["name"] = ["cannot contain spaces"]
    if call.state.environment(wish.get("name", "")):
        return call.hal(400, filled(template(46), {"integration": wish["name"]}))
    if errors:
        return call.hal(400, {"errors": errors})
    made = call.state.add_environment(wish)
    return call.hal(201, _environment(call.base, made), f"{call.base}/environments/{made['uuid']}")


def _participants(call: _Call) -> Answer:
    document = template(13, base=call.base)
    document["_embedded"]["pacticipants"] += [_participant_document(call, name) for name in call.state.participants]
    return call.hal(200, document)


def _participant(call: _Call) -> Answer:
    known = call.values["name"] in call.state.participants
    return call.hal(200, _participant_document(call, call.values["name"])) if known else _not_found()


def _participant_document(call: _Call, name: str) -> JSON:
    who = call.state.participants[name]
    title = name.replace("-", " ").title()
    document = template(29, base=call.base, provider=name, provider_title=title)
    main = {"mainBranch": who.main_branch} if who.main_branch else {}
    return {**document, "createdAt": who.created, **main}


def _version_of(call: _Call) -> Answer:
    version = call.version()
    if version is None:
        return _not_found()
    name, number = call.values["name"], version.number
    document = template(38, base=call.base, provider=name, provider_version=number)
    url = f"{call.base}/pacticipants/{name}"
    branches = [branch_version(call.state, url, version, branch) for branch in version.branches]
    document |= {"createdAt": version.created, "updatedAt": version.created}
    document["_embedded"]["branchVersions"] = branches
    for relation in ("pb:record-deployment", "pb:record-release"):
        (pattern, _) = document["_links"][relation]
        document["_links"][relation] = [
            {
                "title": pattern["title"].replace("Production", each.get("displayName", each["name"])),
                "name": each["name"],
                "href": filled(
                    pattern["href"],
                    {"73a3baea-1044-4c82-943c-47eb73c48247": each["uuid"], number: quote(number, safe="")},
                ),
            }
            for each in call.state.environments
        ]
    return call.hal(200, document)


def _put_on_branch(call: _Call) -> Answer:
    name, number, branch = call.values["name"], call.values["version"], call.values["branch"]
    version, fresh = call.state.put_version(name, number, branch)
    values = {
        "http://broker.test": call.base,
        "class-management-service": name,
        "/branches/main": f"/branches/{branch}",
        "cms-1": number,
    }
    document = filled(recorded(30 if fresh else 31).body, values)
    document["createdAt"] = version.created
    document["_links"]["pb:branch"]["name"] = branch
    url = f"{call.base}/pacticipants/{name}/branches/{branch}/versions/{number}"
    return call.hal(201 if fresh else 200, document, url if fresh else None)


def _deploy(call: _Call) -> Answer:
    version = call.version()
    place = next((each for each in call.state.environments if each["uuid"] == call.values["environment"]), None)
    if version is None or place is None:
        return _not_found()
    deployment = call.state.deploy(version, place)
    values = {"base": call.base, "provider": version.participant, "provider_version": version.number}
    document = template(39, **values, deployment=deployment.uuid)
    document["createdAt"] = deployment.created
    document["_embedded"]["environment"] = _environment(call.base, place)
    return call.hal(201, document, f"{call.base}/deployed-versions/{deployment.uuid}")


def _publish(call: _Call) -> Answer:
    return _answered(publish(call.state, call.base, call.request.body))


def _matrix(call: _Call) -> Answer:
    return _answered(matrix(call.state, call.base, call.request.query))


def _for_verification(call: _Call) -> Answer:
    return _answered(for_verification(call.state, call.base, call.values["provider"], call.request.body))


def _contract(call: _Call) -> Answer:
    published = call.published()
    if published is None:
        return _not_found()
    document = contract_document(call.state, call.base, published)
    if call.values.get("metadata"):
        document["_links"]["pb:publish-verification-results"]["href"] = (
            f"{call.base}{call.request.path}/verification-results"
        )
    return call.hal(200, document)


def _add_results(call: _Call) -> Answer:
    published, sent = call.published(), call.request.body
    if published is None:
        return _not_found()
    missing = [name for name in ("success", "providerApplicationVersion") if name not in sent]
    if missing:
        return call.hal(400, {"errors": {name: ["is missing"] for name in missing}})
    version, _ = call.state.put_version(published.provider, sent["providerApplicationVersion"], None)
    result = call.state.add_result(version, published.content, sent["success"])
    names = {"consumer": published.consumer, "consumer_version": published.version.number, "content": published.content}
    links = template(32, "_links", base=call.base, provider=published.provider, **names)
    links = filled(links, {"results/101": f"results/{result.number}", "result 101": f"result {result.number}"})
    metadata = base64.urlsafe_b64encode(f"cvn={published.version.number}".encode()).decode().rstrip("=")
    url = links["self"]["href"]
    links["pb:pact-version"]["href"] = f"{url.partition('/verification-results/')[0]}/metadata/{metadata}"
    document = {
        "providerName": published.provider,
        "providerApplicationVersion": version.number,
        "success": result.success,
        "verificationDate": result.at,
        **{name: sent[name] for name in ("testResults", "buildUrl") if name in sent},
        **({"verifiedBy": _verified_by(sent["verifiedBy"])} if "verifiedBy" in sent else {}),
        "_links": links,
    }
    return call.hal(201, document, url)


def _verified_by(sent: JSON) -> JSON:
    """The verifier, with its client's description made flat."""
    client = sent.get("clientLanguage", {})
    names = {"name": "client_implementation", "testFramework": "client_test_framework", "version": "client_version"}
    flat = {names[name]: value for name, value in client.items()}
    return {**{name: value for name, value in sent.items() if name != "clientLanguage"}, **flat}


def _add_webhook(call: _Call) -> Answer:
    wish = cast("JSON", call.request.body)
    # With both participants, the official tool names them in the path: the one path here that was not recorded.
    wish = {**wish, **{role: {"name": name} for role, name in call.values.items()}}
    for role in ("consumer", "provider"):
        if role in wish and wish[role]["name"] not in call.state.participants:
            return call.hal(400, {"errors": {f"{role}.name": ["does not match an existing pacticipant"]}})
    made = call.state.add_webhook(wish)
    sent = made["request"]
    shown = {
        **sent,
        "headers": {name.lower(): value for name, value in sent.get("headers", {}).items()},
        **({"password": "**********"} if "password" in sent else {}),
    }
    links = filled(
        template(47, "_links", base=call.base, provider=wish.get("provider", {}).get("name", "")),
        {"XC8qIAkp7qfQxhaqmr0njw": made["uuid"], "ask cms to verify": made.get("description", "")},
    )
    if "provider" not in wish:
        del links["pb:provider"]
    return call.hal(
        201, {**made, "enabled": True, "request": shown, "_links": links}, f"{call.base}/webhooks/{made['uuid']}"
    )


def _webhook_log(call: _Call) -> Answer:
    found = next((each for each in call.state.triggered if each.uuid == call.values["uuid"]), None)
    return Answer(200, "text/plain;charset=utf-8", found.log) if found else _not_found()


_Route = Callable[[_Call], Answer]
_PARTICIPANT: Final = r"/pacticipants/(?P<name>[^/]+)"
_VERSION: Final = rf"{_PARTICIPANT}/versions/(?P<version>[^/]+)"
_CONTRACT: Final = r"/pacts/provider/(?P<provider>[^/]+)/consumer/(?P<consumer>[^/]+)/version/(?P<version>[^/]+)"
_ROUTES: Final[Mapping[str, Mapping[str, _Route]]] = {
    "/": {"GET": _root},
    "/contracts/publish": {"POST": _publish},
    "/environments": {"GET": _environments, "POST": _add_environment},
    "/pacticipants": {"GET": _participants},
    _PARTICIPANT: {"GET": _participant},
    _VERSION: {"GET": _version_of},
    rf"{_PARTICIPANT}/branches/(?P<branch>[^/]+)/versions/(?P<version>[^/]+)": {"PUT": _put_on_branch},
    rf"{_VERSION}/deployed-versions/environment/(?P<environment>[^/]+)": {"POST": _deploy},
    "/matrix": {"GET": _matrix},
    r"/pacts/provider/(?P<provider>[^/]+)/for-verification": {"GET": _for_verification, "POST": _for_verification},
    _CONTRACT: {"GET": _contract},
    rf"{_HASH}(?:/metadata/(?P<metadata>[^/]+))?": {"GET": _contract},
    rf"{_HASH}(?:/metadata/(?P<metadata>[^/]+))?/verification-results": {"POST": _add_results},
    "/webhooks": {"POST": _add_webhook},
    r"/webhooks/provider/(?P<provider>[^/]+)/consumer/(?P<consumer>[^/]+)": {"POST": _add_webhook},
    r"/triggered-webhooks/(?P<uuid>[^/]+)/logs": {"GET": _webhook_log},
}
