"""Provider states that a provider sets up itself on a request."""

import json

import httpx
import pytest
import respx

from bff_contracts.verification.state_handlers import RemoteStates, StateChangeError

URL = "http://127.0.0.1:1/states"


@pytest.mark.anyio
async def test_a_teardown_that_fails_does_not_keep_the_others_from_theirs(respx_mock: respx.MockRouter) -> None:
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        seen.append((asked["action"], asked["state"]))
        return httpx.Response(500 if asked == {"state": "second", "params": {}, "action": "teardown"} else 200)

    respx_mock.post(URL).mock(side_effect=answer)
    states = RemoteStates(URL, seconds=5)
    await states.set_up("first", {})
    await states.set_up("second", {})

    with pytest.raises(StateChangeError) as failed:
        await states.restore()

    assert failed.value.state == "second"
    assert seen[2:] == [("teardown", "second"), ("teardown", "first")]
    await states.restore()
    assert len(seen) == 4
    await states.close()
