"""Reads text files that people name; only regular ones, since a pipe or a device may never end."""

import errno
import stat
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 256 * 1024 * 1024
"""Many times the size of any pact or scenario."""


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Raises:
        OSError: It cannot be read, is no regular file, or is larger than 256 MiB.
        UnicodeDecodeError: It is in another encoding.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    if status.st_size > _MOST_BYTES:
        raise OSError(errno.EFBIG, f"Larger than {_MOST_BYTES >> 20} MiB", str(path))
    return path.read_text(encoding="utf-8-sig")
