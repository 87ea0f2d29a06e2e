"""Credentials: which refusal of the contract answers which keys and service ids."""

from typing import Any

import pytest

from bff_contracts.platform import CMS, KEY_HEADER, RAS, SERVICE_HEADER
from bff_mock_server.answering.credentials import Credentials
from bff_mock_server.answering.simulators import CREDENTIALS
from bff_mock_server.matching.table import Table, compile_pact
from tests.mock_server.building import interaction, pact

GOOD = {KEY_HEADER: "k", SERVICE_HEADER: "s"}
NO_KEY = interaction("no key", status=401, headers={SERVICE_HEADER: ["s"]})
WRONG_KEY = interaction("wrong key", status=401, headers={KEY_HEADER: ["x"], SERVICE_HEADER: ["s"]})
WRONG_SERVICE = interaction("wrong service", status=401, headers={KEY_HEADER: ["k"], SERVICE_HEADER: ["x"]})
ALL = (NO_KEY, WRONG_KEY, WRONG_SERVICE)


def table_of(*refusals: dict[str, Any], provider: str = RAS) -> Table:
    """Endpoints that need a key, endpoints without refusals in the contract, and one that needs none."""
    answers = [interaction(path, path, headers={name: [value] for name, value in GOOD.items()}) for path in PATHS]
    return compile_pact(
        pact(*answers, interaction("/free", "/free"), *refusals, provider=provider), credentials=CREDENTIALS
    )


PATHS = ("/things", "/others")


def test_an_endpoint_is_guarded_for_its_refusals_alone() -> None:
    table = compile_pact(pact(interaction("open", "/free"), {**NO_KEY, "request": {"method": "GET", "path": "/free"}},
                              provider=RAS), credentials=CREDENTIALS)  # fmt: skip

    assert refused(table, {}, "/free") == "no key"


def refused(table: Table, headers: dict[str, str], path: str = "/things", keys: frozenset[str] = frozenset()) -> str:
    """The name of the refusal; nothing, if the headers are good."""
    (endpoint,) = table.at(path)
    refusal = Credentials(table, keys).refusal(endpoint, headers)
    return refusal.interaction.description if refusal else ""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        pytest.param(GOOD, "", id="good"),
        pytest.param({**GOOD, KEY_HEADER: "mine"}, "", id="a-key-of-the-mock"),
        pytest.param({}, "no key", id="nothing"),
        pytest.param({SERVICE_HEADER: "s"}, "no key", id="no-key"),
        pytest.param({KEY_HEADER: "k"}, "no key", id="no-service"),
        pytest.param({**GOOD, KEY_HEADER: ""}, "no key", id="empty-key"),
        pytest.param({**GOOD, SERVICE_HEADER: ""}, "no key", id="empty-service"),
        pytest.param({**GOOD, KEY_HEADER: "K"}, "wrong key", id="wrong-key"),
        pytest.param({KEY_HEADER: "K", SERVICE_HEADER: "S"}, "wrong key", id="both-wrong"),
        pytest.param({**GOOD, SERVICE_HEADER: "S"}, "wrong service", id="wrong-service"),
    ],
)
def test_the_refusal_matches_the_wrong_credential(path: str, headers: dict[str, str], refusal: str) -> None:
    assert refused(table_of(*ALL), headers, path, frozenset({"mine"})) == refusal


@pytest.mark.parametrize(
    ("refusals", "reported"),
    [
        pytest.param([NO_KEY], ["no key", "no key", "no key"], id="no-key-alone"),
        pytest.param([WRONG_KEY], ["wrong key", "wrong key", "wrong key"], id="wrong-key-alone"),
        pytest.param([WRONG_SERVICE], ["wrong service", "wrong service", "wrong service"], id="wrong-service-alone"),
        pytest.param([WRONG_SERVICE, NO_KEY], ["no key", "wrong service", "wrong service"], id="no-wrong-key"),
        pytest.param([NO_KEY, WRONG_KEY], ["no key", "wrong key", "wrong key"], id="no-wrong-service"),
        pytest.param([WRONG_KEY, WRONG_SERVICE], ["wrong key", "wrong key", "wrong service"], id="no-missing-key"),
        pytest.param(
            [*ALL, *({**one, "description": f"later {at}"} for at, one in enumerate(ALL))],
            ["no key", "wrong key", "wrong service"],
            id="the-first-of-each",
        ),
    ],
)
def test_a_refusal_that_the_contract_lacks_is_the_most_similar_one(
    refusals: list[dict[str, Any]], reported: list[str]
) -> None:
    table = table_of(*refusals)
    asked: list[dict[str, str]] = [{}, {**GOOD, KEY_HEADER: "K"}, {**GOOD, SERVICE_HEADER: "S"}]

    assert [refused(table, headers) for headers in asked] == reported


def test_what_needs_no_key_asks_for_none() -> None:
    assert refused(table_of(*ALL), {}, "/free") == ""


def test_cms_takes_any_service() -> None:
    assert refused(table_of(*ALL, provider=CMS), {**GOOD, SERVICE_HEADER: "anyone"}) == ""


@pytest.mark.parametrize(
    ("provider", "services"), [pytest.param(RAS, "s or t", id="ras"), pytest.param(CMS, "anything", id="cms")]
)
def test_the_hint_says_what_would_be_accepted(provider: str, services: str) -> None:
    more = interaction("more", "/more", headers={KEY_HEADER: ["å"], SERVICE_HEADER: ["t"]})
    table = compile_pact(
        pact(
            interaction("one", headers={name: [value] for name, value in GOOD.items()}), more, *ALL, provider=provider
        ),
        credentials=CREDENTIALS,
    )

    assert Credentials(table, frozenset({"mine"})).hint == (
        b"x-mock-hint",
        f"X-Internal-API-Key: k or ?, or the mock's --api-key; X-Service-ID: {services}".encode(),
    )


def test_the_hint_of_a_contract_without_keys_asks_for_none() -> None:
    _, hint = Credentials(compile_pact(pact(interaction("a"))), frozenset()).hint

    assert hint == b"X-Internal-API-Key: (none is needed), or the mock's --api-key; X-Service-ID: "
