"""A SCIM 2.0 service for the demo organisation: a real one, in a process of its own, on 127.0.0.1 only.

    python -m worker.service.demo.scimserver --port 8090 --token secret --data DIRECTORY/scim.log --parent PID

Protocol, schemas and indices are those of scim2-server. Added here: a bearer token, and persistence. Every change is
one line appended to the data file before it is answered, so that killing the process loses nothing; the next start
reads the file and writes it anew without its history. The process ends when the one that started it does.
"""

import argparse
import fcntl
import hmac
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

import uvicorn
from scim2_models import Resource, ResourceType, ScimProvider, UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME
from scim2_server.utils import load_default_provider

WATCH_PARENT_S = 0.25
WAIT_FOR_PREDECESSOR_S = 10.0


class LoggedStorage(InMemoryStorage):
    """The library's indexed memory, with every change written down before it is answered."""

    def __init__(self, resources: list[Resource[Any]], *, log: TextIO) -> None:
        super().__init__()
        self.resources = resources
        self.versions = itertools.count(1 + max(map(_version_number, resources), default=0))
        self._log = log

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        created = super().create(resource_type, resource)
        self._append(_kept(created))
        return created

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        updated = super().update(resource_type, resource, expected_version=expected_version)
        self._append(_kept(updated))
        return updated

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        super().delete(resource_type, resource_id, expected_version=expected_version)
        self._append({"type": resource_type.name, "id": resource_id})

    def _append(self, entry: dict[str, Any]) -> None:
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()  # what the kernel has survives our death; only a crash of the machine could lose it


class TokenApplication(ASGIApplication):
    """The service behind one bearer token."""

    def __init__(self, storage: AsyncInMemoryStorage, provider: ScimProvider, *, token: str) -> None:
        super().__init__(storage, provider)
        self._token = token.encode()

    def check_auth(self, request: ScimRequest) -> None:
        scheme, _, given = (request.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), self._token):
            raise UnauthorizedException


def main() -> None:
    options = _options()
    threading.Thread(target=_end_with, args=[options.parent], daemon=True).start()
    options.data.parent.mkdir(parents=True, exist_ok=True)
    with _alone(options.data):
        provider = _provider()
        resources = _load(options.data, provider)
        with _rewritten(options.data, resources) as log:
            storage = AsyncInMemoryStorage(LoggedStorage(resources, log=log))
            uvicorn.run(
                TokenApplication(storage, provider, token=options.token),
                host="127.0.0.1",
                port=options.port,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=75,  # longer than clients keep an idle connection, so that none meets its end
                timeout_graceful_shutdown=2,
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scimserver", description="The SCIM 2.0 service of the demo organisation.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True, help="the bearer token that clients must send")
    parser.add_argument("--data", type=Path, required=True, help="the file that keeps the accounts")
    parser.add_argument(
        "--parent", type=int, default=os.getppid(), help="the process to end with; only told can it be gone already"
    )
    return parser.parse_args()


def _end_with(parent: int) -> None:
    """End as an interrupt would, once the process that started us is gone (we are then somebody else's child)."""
    while os.getppid() == parent:
        time.sleep(WATCH_PARENT_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _provider() -> ScimProvider:
    provider = load_default_provider()
    if provider.config is not None:
        provider.config.authentication_schemes = [BEARER_TOKEN_SCHEME]
    return provider


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the data file's lock; a predecessor that is just ending gets a moment to let go."""
    with data.with_suffix(".lock").open("w") as lock:
        deadline = time.monotonic() + WAIT_FOR_PREDECESSOR_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    sys.exit(f"Another service is using {data}.")
                time.sleep(0.1)
        yield


def _load(data: Path, provider: ScimProvider) -> list[Resource[Any]]:
    """Read the accounts; a last line that death cut off was never answered and is dropped."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for line in data.read_text().splitlines() if data.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        key = entry["type"], entry["id"]
        kept.pop(key, None)
        if "resource" in entry:
            kept[key] = entry["resource"]
    models: dict[str, type[Resource[Any]]] = {
        str(kind.name): cast("type[Resource[Any]]", provider.model_for(kind)) for kind in provider.resource_types
    }
    return [models[kind].model_validate(resource) for (kind, _), resource in kept.items()]


@contextmanager
def _rewritten(data: Path, resources: list[Resource[Any]]) -> Iterator[TextIO]:
    """The data file with nothing but these accounts, open for appending; replaced in one step."""
    partial = data.with_suffix(".partial")
    with partial.open("w") as file:
        for resource in resources:
            file.write(json.dumps(_kept(resource)) + "\n")
        file.flush()
        os.fsync(file.fileno())
        partial.replace(data)
        yield file


def _kept(resource: Resource[Any]) -> dict[str, Any]:
    kind = resource.meta.resource_type if resource.meta else None
    return {"type": kind, "id": resource.id, "resource": resource.model_dump()}


def _version_number(resource: Resource[Any]) -> int:
    digits = "".join(filter(str.isdigit, (resource.meta.version if resource.meta else None) or ""))
    return int(digits or 0)


if __name__ == "__main__":
    main()
