"""A folder that a group shares: what is written there is the group's too, whatever the umask of who writes.

The sign is that the folder is writable for its group and hands its group on (`chmod g+ws`), as of
`git init --shared`. Entries of other folders are what the umask makes of them.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

SIGN = stat.S_ISGID | stat.S_IWGRP


def share(path: Path) -> None:
    """Give a new entry of a shared folder to the group: a file to read and write, a folder as its own is shared."""
    if not _is_shared(path.parent):
        return
    mode = path.stat().st_mode
    with suppress(PermissionError):  # another's, who shares it
        path.chmod(stat.S_IMODE(mode) | (stat.S_ISGID | stat.S_IRWXG if stat.S_ISDIR(mode) else 0o060))


def share_all(folder: Path | None) -> None:
    """The same for all that this process writes from now on, libraries too, if there is a folder and it is shared."""
    if folder is not None and _is_shared(folder):
        os.umask(os.umask(0o077) & ~stat.S_IRWXG)


def _is_shared(folder: Path) -> bool:
    return folder.stat().st_mode & SIGN == SIGN
