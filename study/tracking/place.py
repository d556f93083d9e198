"""Where a study's runs are shown: a server or database that was asked for, else a database of the store's own.

The store's own is a cache: what is in it can be made again from the tables at any time. It lies in the store where that
is a folder on a local disk, since SQLite's locks are not to be trusted across a network; else in this user's cache.
"""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from study.store import Launch, Store
from study.tracking.records import TrackingError
from study.tracking_uri import VARIABLE, asked_for, fault, shown

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"
LOCATIONS = (("experiments", "artifact_location"), ("runs", "artifact_uri"))
"""Columns of MLflow's tables that say where files lie."""
BUSY_SECONDS = 1.0
RELATIVE = "sqlite:///"
UNQUOTABLE = frozenset("%?#")
"""In a path, what SQLAlchemy reads only quoted and MLflow only as it is."""
NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs", "fuse.rclone",
    "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "orangefs", "panfs", "smb2", "smb3",
    "smbfs", "wekafs",
})  # fmt: skip
"""File systems that other machines write to as well."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """An address of MLflow."""

    uri: str
    folder: Path | None = None
    """Of the store's own database and artifacts; None for an address that was asked for."""

    @property
    def artifacts(self) -> str | None:
        """Where new experiments keep their files; None where the server decides."""
        if self.folder is not None:
            return (self.folder / ARTIFACTS).as_uri()
        if self.uri.startswith("sqlite"):
            return (Path(self.uri.partition("///")[2]).parent / ARTIFACTS).as_uri()
        return None

    def __str__(self) -> str:
        return str(self.folder) if self.folder is not None else shown(self.uri)


def place_of(store: Store, launch: Launch, environment: Mapping[str, str] = os.environ) -> Place:
    """Where the runs of a launched study are shown; raises TrackingError for an address that cannot be one."""
    return place_at(store, asked_for(launch.spec_text, environment))


def place_at(store: Store, uri: str | None) -> Place:
    """The address `uri`, or the store's own database; raises TrackingError."""
    if uri is None:
        return own_place(store)
    wrong = fault(uri)
    if wrong is not None:
        raise TrackingError(f"{VARIABLE}: {wrong}")
    kind, _, path = uri.partition(RELATIVE)
    return Place(uri=f"{RELATIVE}{Path(path).absolute()}" if not kind and path else uri)


def own_place(store: Store) -> Place:
    """The database of the store's own."""
    root = store.root
    usable = root is not None and not on_network(root, _mounts()) and not UNQUOTABLE & set(str(root.absolute()))
    folder = root.absolute() / "mlflow" if root is not None and usable else cache_folder(store.location)
    return Place(uri=f"{RELATIVE}{folder / DATABASE}", folder=folder)


def cache_folder(location: str, environment: Mapping[str, str] = os.environ) -> Path:
    """A folder of this user's for what belongs to the store at `location`."""
    base = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "robustness-study" / hashlib.sha256(location.encode()).hexdigest()[:16]


def on_network(path: Path, mounts: Iterable[str]) -> bool:
    """Whether a path lies on a disk that several machines share; `mounts` as in /proc/self/mounts."""
    return _kind(path, mounts) in NETWORK


def file_system(path: Path) -> str:
    """`ext4`, `nfs4`, …: the kind that a path lies on; empty where the system does not tell."""
    return _kind(path, _mounts())


def _kind(path: Path, mounts: Iterable[str]) -> str:
    found = [(Path(fields[1]), fields[2]) for line in mounts if len(fields := line.split()) > 2]
    absolute = path.absolute()
    above = [(len(point.parts), kind) for point, kind in found if absolute.is_relative_to(point)]
    return max(above, default=(0, ""))[1]


def _mounts() -> list[str]:
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no /proc: macOS
        return []


def prepare(place: Place, fill: Callable[[Path, str], None]) -> None:
    """Make the store's own database usable: in one that was copied or moved with its store, files are where they lie
    now; one that is damaged is put aside.

    `fill` makes one with MLflow's tables, for files at an address. That takes hundreds of statements, so it does so
    under another name: a process that is killed in between leaves none that is half made.
    """
    if place.folder is None:
        return
    place.folder.mkdir(parents=True, exist_ok=True)
    database = place.folder / DATABASE
    if database.exists() and not _at_home(database, f"{place.artifacts}"):
        _put_aside(database)
    if not database.exists():
        with tempfile.TemporaryDirectory(prefix="making-", dir=place.folder) as folder:
            fill(Path(folder) / DATABASE, f"{place.artifacts}")
            if not database.exists():  # made by another process meanwhile, such as the one that shows it
                (Path(folder) / DATABASE).rename(database)
    with suppress(PermissionError):  # another's, who has done so
        database.chmod(place.folder.stat().st_mode & 0o666)  # who may write there may write it; SQLite lets none but us
    with closing(sqlite3.connect(database, BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # readers, the UI among them, and the writer do not wait


def _at_home(database: Path, artifacts: str) -> bool:
    """Whether it can be read and was made to the end; what it says of where files lie is put right."""
    try:
        with closing(sqlite3.connect(database, BUSY_SECONDS)) as connection, connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
                return False
            rows = connection.execute("SELECT artifact_location FROM experiments").fetchall()
            if not rows:  # the first is made last
                return False
            roots = {location.rpartition("/")[0] for (location,) in rows} - {artifacts}
            for root in (one for one in roots if one.startswith("file:") and one.endswith(f"/{ARTIFACTS}")):
                for table, column in LOCATIONS:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                        (artifacts, len(root) + 1, len(root) + 1, f"{root}/"),
                    )
    except sqlite3.OperationalError:  # busy: nothing is wrong with what is there
        return True
    except sqlite3.DatabaseError:
        return False
    return True


def _put_aside(database: Path) -> None:
    number = 1
    while (aside := database.with_name(f"mlflow-{number}.db")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            database.with_name(database.name + suffix).rename(aside.with_name(aside.name + suffix))
