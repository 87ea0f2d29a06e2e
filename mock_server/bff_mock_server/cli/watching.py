"""Hot reload: reads contracts and scenarios again when their files change."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from bff_contracts.pact.file import PactError
from bff_mock_server.answering.backend import Backend
from bff_mock_server.answering.mock import Mock
from bff_mock_server.cli.contracts import CannotStartError
from bff_mock_server.world.scenarios.model import Scenario, ScenarioError

TICK_SECONDS: Final = 0.5
_LOG: Final = logging.getLogger("bff_mock_server.watching")  # the command shows its INFO unless it is quiet

Loaded = tuple[Sequence[Backend], Scenario]
Stamp = tuple[tuple[Path, int, int], ...]


class Watcher:
    """Looks at files twice a second, and lets the mock reload when one of them has changed.

    If a file is invalid, the mock serves the previous version; the log and the control page say why. Valid files
    replace everything at once, between two requests.

    Args:
        mock: What reloads.
        paths: The files, and folders whose `.json` files count.
        load: Reads them.
        adopt: Called after the mock has reloaded.
    """

    def __init__(
        self, mock: Mock, paths: Iterable[Path], load: Callable[[], Loaded], adopt: Callable[[], None]
    ) -> None:
        self._mock = mock
        self._paths = tuple(paths)
        self._load = load
        self._adopt = adopt
        self._seen = self._stamp()

    async def run(self) -> None:
        """Watch until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            stamp = self._stamp()
            if stamp != self._seen:
                self._seen = stamp
                await self.reload()

    async def reload(self) -> None:
        """Read everything again."""
        try:
            # Reading takes as long as a few hundred requests; they are served meanwhile.
            backends, scenario = await asyncio.to_thread(self._load)
            self._mock.reload(backends, scenario)
        except Exception as error:  # noqa: BLE001  # no file, whatever is in it, may end what is served
            if not isinstance(error, CannotStartError | PactError | ScenarioError | OSError):
                _LOG.exception("not reloaded")
            self._mock.problem = f"The changed files are invalid; the previous version is still served:\n{error}"
            _LOG.error("not reloaded: %s", error)  # no traceback: the message is enough
            return
        self._adopt()
        _LOG.info("reloaded: %s", ", ".join(backend.provider for backend in backends))

    def _stamp(self) -> Stamp:
        return tuple(
            (path, status.st_mtime_ns, status.st_size)
            for path in self._files()
            if (status := _status(path)) is not None
        )

    def _files(self) -> list[Path]:
        return [file for path in self._paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None  # between two saves an editor may have no file there
