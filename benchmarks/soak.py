"""The clients on the mock for a long time, with faults in between: counts how calls end, and what memory does.

Run by `pdm run soak` (a minute for 20,000 calls; 200,000 by default). Every call has to end in a model or in one of our
errors, and memory has to stay where it was after the first tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import httpx
from pydantic import SecretStr

from bff_clients import BackendError, BackendSettings, BackendUnavailable, CMSClient, RASClient, create_http_client
from tests.support.mock_process import running_mock

TEACHER: Final = "0a63ce55-2596-5d2b-ad47-d097a4f26d0e"
FAULTS: Final = (
    "status=503 rate=0.01; reset rate=0.01; truncate rate=0.01; malformed rate=0.005; html=502 rate=0.005;"
    " violation rate=0.005; empty rate=0.005"
)
"""One request in twenty goes wrong, in seven ways."""

IN_FLIGHT: Final = 20
GROWTH: Final = 1.10
"""How much larger memory may be at the end than after the first tenth."""


def resident() -> float:
    """MiB that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def soak(ras_url: str, cms_url: str, calls: int) -> int:
    """Make the calls; returns the exit code."""
    settings = BackendSettings.model_validate(
        {
            "internal_api_key": SecretStr("INJECTED-AT-VERIFICATION"),
            "ras_base_url": ras_url,
            "cms_base_url": cms_url,
            "http_retry_backoff_seconds": 0.005,
        }
    )
    outcomes: Counter[str] = Counter()
    chance = random.Random(4711)  # noqa: S311
    left = iter(range(calls))
    sizes: list[float] = []
    async with create_http_client(settings) as http:
        ras, cms = RASClient(http, settings), CMSClient(http, settings)
        ids = await patiently(ras)

        async def caller() -> None:
            for number in left:
                outcomes[await outcome(ras, cms, ids, chance)] += 1
                if number % (calls // 10) == 0:
                    gc.collect()
                    sizes.append(resident())
                    print(f"  {number:>8} calls, {sizes[-1]:.1f} MiB", flush=True)

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
        seconds = time.perf_counter() - started
    strange = {name: times for name, times in outcomes.items() if name.startswith("!")}
    print(f"\n{calls} calls in {seconds:.0f} s, {sum(outcomes.values())} ended:")
    for name, times in outcomes.most_common():
        print(f"  {times:>8}  {name}")
    flat = sizes[-1] <= sizes[1] * GROWTH
    print(f"memory {sizes[1]:.1f} MiB after a tenth, {sizes[-1]:.1f} at the end: {'flat' if flat else 'GROWING'}")
    return 0 if flat and not strange and sum(outcomes.values()) == calls else 1


async def patiently(ras: RASClient) -> list[str]:
    """The ids of the teacher's batches, whatever goes wrong on the way."""
    while True:
        try:
            return [batch.batch_id for batch in (await ras.get_batches_for_user(TEACHER)).batches]
        except BackendError:
            continue


async def outcome(ras: RASClient, cms: CMSClient, ids: list[str], chance: random.Random) -> str:
    """How one call ends."""
    try:
        match chance.randrange(3):
            case 0:
                await ras.get_batches_for_user(TEACHER, offset=chance.randrange(5))
            case 1:
                await ras.get_batch_status(chance.choice(ids))
            case _:
                await cms.get_batch_class_info(ids)
    except BackendUnavailable as error:
        return f"{type(error).__name__}, {error.reason}"
    except BackendError as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  # what must never come out
        return f"! {type(error).__name__}: {error}"
    return "a model"


def main() -> int:
    """Start the mock, arm the faults, and soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    calls = parser.parse_args().calls
    logging.getLogger("bff_clients").setLevel(logging.CRITICAL)  # a line for each of thousands of faults
    with running_mock("--seed", "4711") as mock:
        httpx.post(f"{mock.control}/_mock/faults", json={"route": "*", "fault": FAULTS}).raise_for_status()
        return asyncio.run(soak(mock.ras, mock.cms, calls))


if __name__ == "__main__":
    sys.exit(main())
