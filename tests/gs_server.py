"""A server of Google Cloud Storage's interface for tests, on loopback: gcp-storage-emulator's, with what it lacks.

Of two writers that ask it for an object which must not be there (`ifGenerationMatch=0`) one is refused, as Google does;
the emulator itself overlooks conditions, and does so here when `ignores_conditions` is set.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gcp_storage_emulator import server as emulator
from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import objects

from tests.ray_nodes import free_port

BUCKET = "robustness"
ONE_WRITES = threading.Lock()


@dataclass
class Server:
    port: int
    ignores_conditions: bool = False
    ill: bool = False
    """Every request to write is answered with 409."""

    @property
    def environment(self) -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{self.port}", "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}

    def insert(self, request: Any, response: Any, storage: Any, *rest: Any, **named: Any) -> None:
        """The emulator's answer to a request to write, but for one whose condition does not hold."""
        with ONE_WRITES:
            must_be_absent = request.query.get("ifGenerationMatch") == ["0"] and not self.ignores_conditions
            if self.ill:
                _refuse(response, HTTPStatus.CONFLICT, "conflict")
            elif must_be_absent and _is_there(request, storage):
                _refuse(response, HTTPStatus.PRECONDITION_FAILED, "conditionNotMet")
            else:
                objects.insert(request, response, storage, *rest, **named)


def _is_there(request: Any, storage: Any) -> bool:
    name = request.query["name"][0] if "name" in request.query else request.data["meta"]["name"]
    try:
        storage.get_file_obj(request.params["bucket_name"], name)
    except NotFound:
        return False
    return True


def _refuse(response: Any, status: HTTPStatus, reason: str) -> None:
    response.status = status
    response.json({"error": {"code": status.value, "message": status.phrase, "errors": [{"reason": reason}]}})


@contextmanager
def running() -> Iterator[Server]:
    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    served, overlooking = Server(free_port()), emulator.HANDLERS
    emulator.HANDLERS = [(path, _with(served, answers)) for path, answers in overlooking]
    under = emulator.create_server("127.0.0.1", served.port, in_memory=True, default_bucket=BUCKET)
    under.start()
    try:
        yield served
    finally:
        under.stop()
        emulator.HANDLERS = overlooking


def _with(served: Server, answers: Mapping[str, object]) -> dict[str, object]:
    return {method: served.insert if one is objects.insert else one for method, one in answers.items()}
