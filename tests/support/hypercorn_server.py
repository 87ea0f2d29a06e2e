"""Applications on hypercorn, which serves RAS and CMS."""

import asyncio
import logging
import queue
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from hypercorn.asyncio import serve  # pyright: ignore[reportUnknownVariableType]  # partly untyped there
from hypercorn.config import Config


class _Announced(logging.Handler):
    """Where the server says that it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: queue.SimpleQueue[str] = queue.SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"Running on (http://\S+)", record.getMessage())
        if found:
            self.urls.put(found[1])


@contextmanager
def on_hypercorn(app: Any) -> Generator[str]:
    """Serve an application on a free port of 127.0.0.1; yields its URL."""
    announced = _Announced()
    log = logging.Logger("hypercorn of a test")  # noqa: LOG001  seen by nobody else
    log.addHandler(announced)
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = log
    config.graceful_timeout = 0.1
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    work = serve(app, config, shutdown_trigger=stop.wait)
    thread = threading.Thread(target=lambda: loop.run_until_complete(work), name="hypercorn", daemon=True)
    thread.start()
    try:
        yield announced.urls.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
