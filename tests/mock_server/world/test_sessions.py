"""Sessions have separate worlds that start as the scenario; their number is bounded."""

import pytest

from bff_contracts.states import USER_HAS_BATCHES
from bff_mock_server import find_scenario
from bff_mock_server.faults.spec import Armed, Route, parse_faults
from bff_mock_server.world import sessions
from bff_mock_server.world.scenarios import Scenario, StateCall
from bff_mock_server.world.sessions import SessionError, Sessions, is_session
from bff_mock_server.world.world import World
from tests.mock_server.building import OTHER_USER, USER, batch, user_has
from tests.support.golden import Golden

ONE = Scenario(
    "one",
    states=(StateCall(USER_HAS_BATCHES, user_has(batch(1))),),
    faults=(Armed(Route(), parse_faults("reset times=1")),),
)


def total(world: World, user: str = USER) -> int:
    return len(world.rows.users.get(user, ()))


def test_every_world_begins_as_the_scenario_and_goes_its_own_way() -> None:
    all_worlds = Sessions(ONE)

    all_worlds.world_of("a").apply(USER_HAS_BATCHES, user_has(user_id=USER))

    assert [total(all_worlds.world_of(session)) for session in (None, "a", "b")] == [1, 0, 1]
    assert all_worlds.world_of("a") is all_worlds.world_of("a")


def test_armed_faults_restart_in_each_world() -> None:
    all_worlds = Sessions(ONE)
    struck = [
        list(world.faults[0].strike(world.random)) for world in (all_worlds.world_of(None), all_worlds.world_of("a"))
    ]

    assert [len(faults) for faults in struck] == [1, 1]


def test_chance_is_the_seeds_and_the_sessions() -> None:
    def draws(seed: int, session: str | None) -> float:
        return Sessions(ONE, seed=seed).world_of(session).random.random()

    assert draws(1, "a") == draws(1, "a")
    assert len({draws(1, "a"), draws(1, "b"), draws(2, "a"), draws(1, None)}) == 4
    assert Sessions(ONE).default.random.random() == draws(0, None)


def test_the_least_recently_used_session_is_evicted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    all_worlds = Sessions(ONE)
    for session in ("a", "b"):
        all_worlds.world_of(session).apply(USER_HAS_BATCHES, user_has())

    all_worlds.world_of("a")
    all_worlds.world_of("c")

    assert all_worlds.names == ("a", "c")
    assert [total(all_worlds.world_of("a")), total(all_worlds.world_of("b"))] == [0, 1]
    golden.check(caplog.messages[0])
    all_worlds.restart("d")
    assert all_worlds.names == ("b", "d")


def test_a_restart_can_choose_another_scenario() -> None:
    all_worlds = Sessions(ONE)
    other = Scenario("other", states=(StateCall(USER_HAS_BATCHES, user_has(batch(2), user_id=OTHER_USER)),))

    all_worlds.restart("a", other)
    all_worlds.world_of("b")
    all_worlds.restart(None, other)

    assert [total(all_worlds.world_of(session), OTHER_USER) for session in ("a", "b", None, "c")] == [1, 0, 1, 1]
    assert all_worlds.scenario_of("c").name == "other"


def test_all_worlds_begin_anew_as_another_scenario() -> None:
    all_worlds = Sessions(ONE)
    all_worlds.restart("a", ONE)

    all_worlds.restart_all(Scenario("other"))

    assert (all_worlds.names, all_worlds.scenario_of("a").name) == ((), "other")
    assert [total(all_worlds.world_of(session)) for session in (None, "a")] == [0, 0]


def test_a_session_can_be_ended() -> None:
    all_worlds = Sessions(ONE)
    all_worlds.world_of("a").apply(USER_HAS_BATCHES, user_has())

    assert [all_worlds.end("a"), all_worlds.end("a"), total(all_worlds.world_of("a"))] == [True, False, 1]


def test_a_session_that_ends_forgets_its_scenario() -> None:
    all_worlds = Sessions(ONE)
    all_worlds.restart("a", Scenario("other"))

    all_worlds.end("a")

    assert all_worlds.scenario_of("a") is ONE


def test_a_world_that_begins_anew_is_the_sessions() -> None:
    all_worlds = Sessions(ONE)

    assert all_worlds.restart("a") is all_worlds.world_of("a")
    assert all_worlds.restart(None) is all_worlds.default


def test_looking_at_a_session_does_not_begin_it() -> None:
    all_worlds = Sessions(ONE, seed=7)
    known = all_worlds.world_of("a")

    looked_at = all_worlds.look("b")

    assert (all_worlds.look(None), all_worlds.look("a")) == (all_worlds.default, known)
    assert (all_worlds.names, total(looked_at)) == (("a",), 1)
    assert looked_at.random.random() == all_worlds.world_of("b").random.random()


@pytest.mark.parametrize(
    ("session", "is_one"),
    [
        pytest.param("a", True, id="id"),
        pytest.param(None, False, id="none"),
        pytest.param("*", False, id="every"),
        pytest.param("", False, id="empty"),
        pytest.param("a b", False, id="blank"),
    ],
)
def test_a_session_has_an_id(session: str | None, is_one: bool) -> None:  # noqa: FBT001  # a row of the table
    assert is_session(session) is is_one


def test_every_session_is_none_of_its_own(golden: Golden) -> None:
    for ask in (Sessions(ONE).restart, Sessions(ONE).look, Sessions(ONE).scenario_of):
        with pytest.raises(SessionError) as refused:
            ask("*")
        golden.check(str(refused.value))


@pytest.mark.parametrize("session", ["", "a b", "å", "x" * 129], ids=["empty", "blank", "not-ascii", "too-long"])
def test_an_invalid_session_id_is_rejected(session: str, golden: Golden) -> None:
    with pytest.raises(SessionError) as refused:
        Sessions(ONE).restart(session)

    golden.check(str(refused.value).replace("x" * 129, "x…"))


def test_worlds_share_the_rows_they_begin_with() -> None:
    all_worlds = Sessions(find_scenario("default"))

    assert all_worlds.world_of("a").rows is all_worlds.world_of("b").rows
