"""S3: what fsspec's file system for it leaves open.

* One request for each thing asked, where s3fs makes several: it asks for an object's size before it reads it, looks
  for a folder of the name of an object that is absent, and lists the folder above one that is empty: that of all
  10,000 trials.
* Creating is one request with `If-None-Match: *` (an object above 100 MB: the one that completes its upload). Of a
  request that was answered by nobody, nobody knows whether it was carried out; the next one is told that the object is
  there, and looks whether it is our own. So those that race for a name must bring bodies that differ.
* Errors in time. botocore repeats a request TRIES times within a second or so; that is repeated here, at growing
  intervals drawn at random, until a deadline. s3fs's own repeating, which would multiply both, is off.
* Errors in words: what place, what is wrong with it, what to do. Of a place that is not proven yet they are a person's
  mistake. Later they are not, for it has worked: credentials that are being renewed, or rights that are, may pass.

MinIO, Ceph and others speak the same protocol. Some of their answers lack what s3fs looks for (which condition failed),
so answers are told by their codes here.
"""

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import fsspec

from study.store.errors import StorageError, StoreError
from study.store.objects import Described, RemoteObjects, visible

TRIES = 3
"""Of one request, by botocore."""
SETTINGS: Mapping[str, Any] = {
    "retries": {"mode": "standard", "total_max_attempts": TRIES},
    "connect_timeout": 5,
    "read_timeout": 30,
    "max_pool_connections": 32,
}
PATIENCE = 90.0
"""Seconds for which an operation is tried while storage answers with errors, or not at all."""
FIRST_PATIENCE = 5.0
"""The same for the first look at a place: then it is more likely that its name is wrong than that it is ill."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds between tries: at most these at first and at last, a random share of each."""

ILL = frozenset({
    "InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "RequestLimitExceeded", "Throttling",
    "ThrottlingException", "BandwidthLimitExceeded", "OperationAborted", "ConditionalRequestConflict",
    "XMinioServerNotInitialized", "500", "502", "503", "504",
})  # fmt: skip
"""Codes of errors that pass. Answers to HEAD have no body, and the status in place of a code."""
EXISTS = frozenset({"PreconditionFailed", "412"})
DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "AccountProblem", "403"})
WRONG_KEYS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
)
ELSEWHERE = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
)
NO_KEYS = frozenset({
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
    "ProfileNotFound", "SSOTokenLoadError", "UnauthorizedSSOTokenError",
})  # fmt: skip
"""Classes of botocore's errors before any request is made."""
REFUSED = DENIED | WRONG_KEYS | NO_KEYS
"""What may pass where it has worked before."""
NO_ANSWER = frozenset({
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError",
    "ProxyConnectionError", "HTTPClientError", "ConnectionError", "IncompleteReadError",
    "ResponseStreamingError", "IncompleteRead", "ClientPayloadError", "FSTimeoutError", "TimeoutError",
    "ServerDisconnectedError", "ClientConnectorError", "ClientOSError", "ConnectionResetError",
})  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True)
class S3Objects(RemoteObjects):
    """Objects below a prefix of a bucket."""

    patience: float = PATIENCE
    proven: bool = True
    """Whether the place is known to have worked."""

    def __post_init__(self) -> None:
        self.filesystem.retries = 1

    def hurried(self) -> "S3Objects":
        """The same for a first look."""
        return replace(self.unproven(), patience=FIRST_PATIENCE)

    def unproven(self) -> "S3Objects":
        return replace(self, proven=False)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self._anywhere(name, lambda: self.filesystem.pipe_file(self._path(name), data))

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        try:
            self._anywhere(name, lambda: self.filesystem.pipe_file(self._path(name), data, mode="create"))
        except FileExistsError:
            return self.get_if_present(name) == data
        return True

    def get(self, name: str) -> bytes:
        read = self._patiently(name, lambda: self.filesystem.cat_file(self._path(name), max_concurrency=1))
        return bytes(read)

    def exists(self, name: str) -> bool:
        bucket, key = self._split(name)
        try:
            self._patiently(name, lambda: self.filesystem.call_s3("head_object", Bucket=bucket, Key=key))
        except FileNotFoundError:
            return False
        return True

    def delete(self, name: str) -> None:
        self._patiently(name, lambda: self.filesystem.rm_file(self._path(name)))

    def children(self, folder: str, prefix: str = "") -> tuple[str, ...]:
        pages = list(self._pages(folder, "/", prefix))
        files = {one["Key"] for page in pages for one in page.get("Contents", ())}
        folders = {one["Prefix"].rstrip("/") for page in pages for one in page.get("CommonPrefixes", ())}
        return visible({path.rpartition("/")[2] for path in files | folders})

    def beneath(self, folder: str) -> tuple[str, ...]:
        return tuple(self.described(folder))

    def described(self, folder: str, names: Collection[str] | None = None) -> Mapping[str, Described]:
        start = len(self._split("")[1]) and len(self._split("")[1]) + 1
        listed = (one for page in self._pages(folder, "") for one in page.get("Contents", ()))
        named = ((one["Key"][start:], one) for one in listed)
        return {
            name: Described(bytes=one["Size"], modified=one["LastModified"].timestamp())
            for name, one in sorted(named, key=lambda pair: pair[0])
            if visible([name.rpartition("/")[2]]) and (names is None or name.rpartition("/")[2] in names)
        }

    def _pages(self, folder: str, delimiter: str, prefix: str = "") -> Iterator[Mapping[str, Any]]:
        """A thousand names each."""
        bucket, key = self._split(folder)
        asked = {"Bucket": bucket, "Prefix": f"{key}/{prefix}" if key else prefix, "Delimiter": delimiter}
        while True:
            page = self._anywhere(folder, lambda: self.filesystem.call_s3("list_objects_v2", **asked))
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def _split(self, name: str) -> tuple[str, str]:
        """Bucket and key."""
        bucket, key, _ = self.filesystem.split_path(self._path(name))
        return bucket, key

    def _anywhere(self, name: str, request: Callable[[], T]) -> T:
        """A request that no storage answers with "not found", unless it is that of something else."""
        try:
            return self._patiently(name, request)
        except FileNotFoundError as error:
            raise self._stranger(name, "404", error) from error

    def _patiently(self, name: str, request: Callable[[], T]) -> T:
        """What the request gives; raises FileNotFoundError, FileExistsError, and StorageError: at the end of patience,
        or at once if it cannot pass; of an unproven place the latter is a StoreError."""
        began, pause, tries = time.monotonic(), FIRST_PAUSE, 0
        while True:
            tries += 1
            try:
                return request()
            except Exception as error:  # botocore's, aiohttp's and s3fs's own
                cause = _cause(error)
                left = began + self.patience - time.monotonic()
                passes = _passes(cause)
                if not passes and (not self.proven or left <= 0 or _code(cause) not in REFUSED):
                    raise self._told(name, error, cause) from error
                if left <= 0:
                    raise StorageError(
                        f"{self.address(name)}: {self._endpoint()} gave no answer but errors for "
                        f"{time.monotonic() - began:.0f} s, {tries * TRIES} tries ({_code(cause)}: {cause}); check "
                        "that it is up and that AWS_ENDPOINT_URL is its address, and launch again"
                    ) from error
            time.sleep(min(max(left, 0.0), pause * random.random()))
            pause = min(2 * pause, LONGEST_PAUSE)

    def _told(self, name: str, error: Exception, cause: BaseException) -> Exception:
        """An error that does not pass, in words."""
        place, code = self.address(name), _code(cause)
        bucket = self._split("")[0]
        if code in EXISTS:
            return FileExistsError(place)
        if code == "NoSuchBucket":
            return self._refusal(
                f"{place}: there is no bucket {bucket} at {self._endpoint()}; make it, or name another with --store"
            )
        if code in ("NoSuchKey", "404"):
            return FileNotFoundError(place)
        if code in NO_KEYS:
            return self._refusal(
                f"{place}: no credentials for {self._endpoint()} ({cause}); set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile of ~/.aws"
            )
        if code in WRONG_KEYS:
            return self._refusal(
                f"{place}: {self._endpoint()} does not accept the credentials ({code}: {cause}); set "
                "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN anew"
            )
        if code in DENIED:
            return self._refusal(
                f"{place}: these credentials may not do this ({cause}); a store needs s3:ListBucket on the bucket "
                f"{bucket}, and s3:GetObject, s3:PutObject and s3:DeleteObject on what is in it"
            )
        if code in ELSEWHERE:
            return self._refusal(
                f"{place}: the bucket is in another region ({cause}); set AWS_DEFAULT_REGION to its own"
            )
        if isinstance(error, OSError) and code not in ("NotImplemented", "501"):
            return StorageError(f"{place}: {self._endpoint()} refuses ({code}: {cause})")
        return self._stranger(name, code, cause)

    def _stranger(self, name: str, code: str, cause: BaseException) -> StoreError:
        return self._refusal(
            f"{self.address(name)}: what answers at {self._endpoint()} is not S3-compatible storage, or cannot do what "
            f"a store asks of it ({code}: {cause}); set AWS_ENDPOINT_URL to the storage's address"
        )

    def _refusal(self, message: str) -> StoreError:
        return StorageError(message) if self.proven else StoreError(message)

    def _endpoint(self) -> str:
        """Where the requests go."""
        try:
            return str(self.filesystem.s3.meta.endpoint_url)
        except Exception:  # noqa: BLE001  (the very error that is being told: no client can be made)
            return "S3"


def s3_objects(location: str) -> S3Objects:
    """The objects at s3://bucket/prefix; raises ImportError where s3fs is not installed."""
    filesystem, path = fsspec.core.url_to_fs(location, use_listings_cache=False, config_kwargs=dict(SETTINGS))
    return S3Objects(filesystem, path.rstrip("/"))


def _cause(error: BaseException) -> BaseException:
    """botocore's error, or the lowest there is, below what s3fs made of it."""
    while error.__cause__ is not None and getattr(error, "response", None) is None:
        error = error.__cause__
    return error


def _code(cause: BaseException) -> str:
    """What storage said, or else the name of the error's class."""
    response = getattr(cause, "response", None)
    told = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(told or type(cause).__name__)


def _passes(cause: BaseException) -> bool:
    response = getattr(cause, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _code(cause) in ILL or status in (500, 502, 503, 504)
    return bool(NO_ANSWER & {one.__name__ for one in type(cause).__mro__})
