"""Objects: named bytes that appear whole or not at all, on a local disk or any object store fsspec knows.

A name is a path relative to the store, with forward slashes. A last part that begins with a dot is temporary and is
seen by no reader.
"""

import errno
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import fsspec

from study.store.errors import StorageError, StoreError
from study.store.sharing import share

S3 = frozenset({"s3", "s3a"})
EXCLUSIVE = S3 | {"memory", "gs", "gcs"}
"""Remote protocols whose `mode="create"` is one conditional request. fsspec's own fallback asks first and writes then,
which lets two writers through."""
LOCAL = frozenset({"file", "local"})
NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
"""What file systems without hard links say of one. All else may pass."""


class Objects(Protocol):
    """Where bytes lie."""

    def address(self, name: str) -> str:
        """The full path or URL, for messages."""
        ...

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write or replace the object as a whole. `durable`: safe from a power cut when this returns."""
        ...

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Write the object as a whole unless it is there; whether this call wrote it.

        Writers that race for a name must bring bodies that differ: where storage lost the answer to a request that it
        carried out, the body tells whose the object is.
        """
        ...

    def get(self, name: str) -> bytes:
        """Raises FileNotFoundError."""
        ...

    def get_if_present(self, name: str) -> bytes | None:
        """None if there is no such object."""
        ...

    def hurried(self) -> "Objects":
        """The same, unproven, and sooner given up on where nothing answers: for the first look at a place."""
        ...

    def unproven(self) -> "Objects":
        """The same of a place that has not worked here yet: what it refuses is a person's mistake, told at once."""
        ...

    def exists(self, name: str) -> bool: ...

    def delete(self, name: str) -> None:
        """An absent object is fine."""
        ...

    def children(self, folder: str, prefix: str = "") -> tuple[str, ...]:
        """Last parts of the names directly in `folder` that begin so, of objects and folders, sorted.

        None if it is absent. Asking for a prefix is one request on remote storage, however full the folder.
        """
        ...

    def beneath(self, folder: str) -> tuple[str, ...]:
        """Full names of all objects in `folder` and its folders, sorted; none if it is absent."""
        ...

    def described(self, folder: str, names: Collection[str] | None = None) -> Mapping[str, "Described"]:
        """As `beneath`, with sizes and times, from one listing; of these names in the folder alone, or of all."""
        ...

    def temporary(self) -> Mapping[str, "Described"]:
        """What writers at work, or killed ones, have not given a name yet; `delete` takes these names too."""
        ...

    def sweep_temporary(self, older_than: float) -> int:
        """Delete what killed writers left behind at least `older_than` seconds ago; how many."""
        ...


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a listing tells of an object."""

    bytes: int
    modified: float
    """Seconds since 1970, by the storage's clock."""


def open_objects(location: str) -> Objects:
    """The objects at a path or URL; raises StoreError if the place cannot hold a store."""
    protocol = fsspec.core.split_protocol(location)[0] or "file"
    if protocol not in EXCLUSIVE | LOCAL:
        raise StoreError(
            f"{location}: a store needs a file system that can create an object only if it is absent, so that two "
            f"launches cannot both have a trial; {protocol} is not known to. Use a local path, s3:// or gs://"
        )
    try:
        if protocol in S3:
            from study.store.s3 import s3_objects  # only buckets need it

            return s3_objects(location)
        filesystem, path = fsspec.core.url_to_fs(location, use_listings_cache=False)
    except ImportError as error:
        extra = "s3" if protocol.startswith("s3") else "gs"
        raise StoreError(
            f"{location}: {protocol}:// needs a library that is not installed ({error}): "
            f"pip install 'robustness-study[{extra}]'"
        ) from error
    if protocol in LOCAL:
        return LocalObjects(Path(path))
    return RemoteObjects(filesystem, path.rstrip("/"))


def check_writable(objects: Objects) -> None:
    """Write an object, have the second writer refused, and list; raises StoreError saying what the place cannot do."""
    probe = f".probe-{uuid4().hex}"
    place = objects.address("")
    objects = objects.hurried()
    try:
        first, second = objects.create(probe, b"1"), objects.create(probe, b"2")
        objects.delete(probe)
        objects.children("")
    except StoreError as error:  # that of the object with the probe's name, of which nobody knows
        raise type(error)(str(error).replace(f"/{probe}", "")) from error
    except Exception as error:  # each remote file system raises its own classes
        why = getattr(error, "strerror", None) or str(error).replace(f"/{probe}", "")
        raise StoreError(f"{place}: cannot be written ({why}); name another place with --store") from error
    if not first or second:
        raise StoreError(
            f"{place}: this storage overwrites an object that it was asked to create only if it is absent (S3: "
            "If-None-Match), so two launches could both have a trial; use storage that knows it, or name another place "
            "with --store"
        )


@dataclass(frozen=True)
class LocalObjects:
    """Files below a folder."""

    root: Path

    def address(self, name: str) -> str:
        return str(self.root / name)

    def hurried(self) -> "LocalObjects":
        return self

    def unproven(self) -> "LocalObjects":
        return self

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        path = self.root / name
        with _temporary(path, data, durable) as temporary:
            temporary.replace(path)
        if durable:
            _sync(path.parent)

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        path = self.root / name
        with _temporary(path, data, durable) as temporary:
            if not _link(temporary, path):
                return False
        if durable:
            _sync(path.parent)
        return True

    def get(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def get_if_present(self, name: str) -> bytes | None:
        return _unless_absent(self.get, name)

    def exists(self, name: str) -> bool:
        return (self.root / name).exists()

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def children(self, folder: str, prefix: str = "") -> tuple[str, ...]:
        try:
            names = os.listdir(self.root / folder)  # noqa: PTH208  (ten times as fast as iterdir)
        except FileNotFoundError:
            return ()
        return visible(name for name in names if name.startswith(prefix))

    def beneath(self, folder: str) -> tuple[str, ...]:
        walked = os.walk(self.root / folder)
        return tuple(
            sorted(Path(place, name).relative_to(self.root).as_posix() for place, _, names in walked
                   for name in visible(names))
        )  # fmt: skip

    def described(self, folder: str, names: Collection[str] | None = None) -> Mapping[str, Described]:
        if names is not None:
            return self._described(self.root / folder / name for name in names)
        return self._described(self.root / name for name in self.beneath(folder))

    def temporary(self) -> Mapping[str, Described]:
        return self._described(self.root.rglob(".*.tmp"))

    def _described(self, paths: Iterable[Path]) -> dict[str, Described]:
        found = {}
        for path in paths:
            with suppress(FileNotFoundError):  # deleted, or given its name, in the meantime
                told = path.stat()
                name = path.relative_to(self.root).as_posix()
                found[name] = Described(bytes=told.st_size, modified=told.st_mtime)
        return found

    def sweep_temporary(self, older_than: float) -> int:
        limit = time.time() - older_than
        old = [name for name, told in self.temporary().items() if told.modified <= limit]
        for name in old:
            self.delete(name)
        return len(old)


@contextmanager
def _temporary(path: Path, data: bytes, durable: bool) -> Iterator[Path]:
    """A file beside `path` with `data`, gone at the end unless it was renamed, or storage refuses that: then it is left
    to `sweep_temporary`, and what was done with it is done."""
    _make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            share(temporary)
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _link(temporary: Path, path: Path) -> bool:
    """Give the whole file its name; False if the name is taken. Unlike O_EXCL, no reader sees it half written.

    NFS says that it is taken also where it was given, and the answer lost: then it is the file's own.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        with suppress(FileNotFoundError):  # its holder has gone meanwhile
            return temporary.samefile(path)
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        raise StoreError(
            f"{path.parent}: a store needs hard links, to create a file as a whole or not at all, and this file "
            f"system refuses them ({error.strerror or error}); name another place with --store"
        ) from error
    return True


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    share(folder)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Make the folder's entries safe: a rename is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _modified(told: Mapping[str, Any]) -> float:
    """By what fsspec's file systems call it: S3, Google Cloud Storage, memory."""
    when = next(told[name] for name in ("LastModified", "mtime", "updated", "created") if told.get(name) is not None)
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def _unless_absent(get: Callable[[str], bytes], name: str) -> bytes | None:
    try:
        return get(name)
    except FileNotFoundError:
        return None


def visible(names: Iterable[str]) -> tuple[str, ...]:
    """Those that are not temporary, sorted."""
    return tuple(sorted(name for name in names if name and not name.startswith(".")))


@dataclass(frozen=True)
class RemoteObjects:
    """Objects below a prefix of an fsspec file system, where a put is whole and durable by itself."""

    filesystem: Any
    prefix: str

    def address(self, name: str) -> str:
        return str(self.filesystem.unstrip_protocol(self._path(name)))

    def hurried(self) -> "RemoteObjects":
        return self

    def unproven(self) -> "RemoteObjects":
        return self

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        with self._asked(name):
            self.filesystem.pipe_file(self._path(name), data)

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        try:
            with self._asked(name):
                self.filesystem.pipe_file(self._path(name), data, mode="create")
        except FileExistsError:  # perhaps our own, of a request that was sent again because its answer was lost
            return self.get_if_present(name) == data
        return True

    def get(self, name: str) -> bytes:
        with self._asked(name):
            return bytes(self.filesystem.cat_file(self._path(name)))

    def get_if_present(self, name: str) -> bytes | None:
        return _unless_absent(self.get, name)

    def exists(self, name: str) -> bool:
        with self._asked(name):
            return bool(self.filesystem.exists(self._path(name)))

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError), self._asked(name):
            self.filesystem.rm_file(self._path(name))

    def children(self, folder: str, prefix: str = "") -> tuple[str, ...]:
        try:
            with self._asked(folder):
                listed = self.filesystem.ls(self._path(folder), detail=False, prefix=prefix)
        except FileNotFoundError:
            return ()
        names = {path.rstrip("/").rpartition("/")[2] for path in listed}
        return visible(name for name in names if name.startswith(prefix))  # not every file system heeds it

    def beneath(self, folder: str) -> tuple[str, ...]:
        return tuple(self.described(folder))

    def described(self, folder: str, names: Collection[str] | None = None) -> Mapping[str, Described]:
        start = len(self.prefix) + 1
        with self._asked(folder):
            listed = self.filesystem.find(self._path(folder), detail=True)
        named = ((path[start:], told) for path, told in sorted(listed.items()))
        return {
            name: Described(bytes=int(told["size"]), modified=_modified(told))
            for name, told in named
            if not name.rpartition("/")[2].startswith(".") and (names is None or name.rpartition("/")[2] in names)
        }

    def temporary(self) -> Mapping[str, Described]:
        """Nothing: a put that was cut off leaves nothing that is seen."""
        return {}

    def sweep_temporary(self, older_than: float) -> int:
        """Nothing, as `temporary`."""
        return 0

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        """Errors of whatever class a file system has become StorageError: what may pass, if not soon, for it has tried
        again itself."""
        try:
            yield
        except (FileNotFoundError, FileExistsError, StoreError):
            raise
        except Exception as error:
            raise StorageError(
                f"{self.address(name)}: {type(error).__name__}: {error}; check that the storage is up and your "
                "credentials are good for it, and launch again"
            ) from error

    def _path(self, name: str) -> str:
        return f"{self.prefix}/{name}".rstrip("/")
