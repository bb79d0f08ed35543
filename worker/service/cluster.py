"""What is remembered of the embedded cluster between starts, and the lock that gives its directory one owner."""

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from worker.domain.errors import SurroundingsError

FILE = "cluster.json"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Passwords and port. Written before ``initdb`` runs, so data without it were not made by us."""

    superuser: str
    owner: str
    daemon: str
    port: int | None = None
    applications: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls) -> Self:
        """New passwords for a cluster that is yet to be made."""
        return cls(superuser=new_password(), owner=new_password(), daemon=new_password())

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """What was remembered, None on a first start."""
        path = directory / FILE
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise SurroundingsError(f"{path} is damaged: remove {directory} to start over.") from error

    def write(self, directory: Path) -> None:
        """Replace the file in one step, readable by its owner alone."""
        partial = directory / f"{FILE}.new"
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(directory / FILE)


def new_password() -> str:
    """A password that nobody has to type."""
    return secrets.token_urlsafe(24)


def lock(directory: Path) -> int:
    """The descriptor that holds the directory for this process; the kernel lets go of it however the process ends."""
    path = directory / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise SurroundingsError(f"Another provisiond (process {holder or 'unknown'}) uses {directory}.") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
