"""Commands that stand in for those of other programs, in a folder for the PATH."""

from collections.abc import Mapping
from pathlib import Path


def write(folder: Path, bodies: Mapping[str, str]) -> None:
    """By name, a Bash script each, without its first line."""
    folder.mkdir()
    for name, body in bodies.items():
        path = folder / name
        path.write_text(f"#!/bin/bash\n{body}")
        path.chmod(0o755)
