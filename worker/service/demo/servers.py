"""The demo's real targets: a SCIM 2.0 service, and an LDAP directory where slapd is installed.

Both keep their data below the demo's directory, listen on loopback only, and end with this process however it ends.
"""

import asyncio
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from worker.domain.errors import SurroundingsError
from worker.service.demo.targets import LDAP_TREE

#: Debian keeps slapd where an ordinary user's PATH does not look.
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/sbin"])
SCHEMAS = Path("/etc/ldap/schema")
LDAP_SUFFIX = LDAP_TREE[0][0]
LDAP_ROOT = f"cn=admin,{LDAP_SUFFIX}"
READY_WITHIN_S = 30.0
TRIES = 3
STOP_WITHIN_S = 5.0

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(slots=True)
class Ports:
    """Ports and secrets of the demo's servers, the same at every start."""

    scim: int = 0
    ldap: int = 0
    scim_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    ldap_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @classmethod
    def kept_in(cls, directory: Path) -> Self:
        """Read what an earlier start left, and take other ports where those are in use by now."""
        path = directory / "servers.json"
        found = cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls()
        found.scim = found.scim if found.scim and _is_free(found.scim) else _free_port()
        found.ldap = found.ldap if found.ldap and _is_free(found.ldap) else _free_port()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(found), file)
        return found


class Servers:
    """Starts and stops the demo's servers; ``has_ldap`` says whether there is a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        self._slapd = shutil.which("slapd", path=SEARCHED)
        self.has_ldap = self._slapd is not None and SCHEMAS.is_dir()
        self.ports = Ports()

    async def start(self) -> None:
        """Start all; raises SurroundingsError naming the one that does not come up."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for tries_left in reversed(range(TRIES)):
            try:
                await self._start()
            except SurroundingsError:  # most likely somebody took the port between our look and our start
                await self.stop()
                if not tries_left:
                    raise
            else:
                return

    async def _start(self) -> None:
        self.ports = Ports.kept_in(self._directory)
        self._start_scim()
        if self.has_ldap:
            await asyncio.to_thread(self._prepare_slapd)
            self._start_slapd()
        waits = [self._until_open("SCIM service", self.ports.scim, log="scim.log")]
        if self.has_ldap:
            waits.append(self._until_open("LDAP directory", self.ports.ldap, log="ldap.log"))
        await asyncio.gather(*waits)

    async def stop(self) -> None:
        """End all, gently first."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                await asyncio.to_thread(process.wait, STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)
        self._processes.clear()

    def _start_scim(self) -> None:
        self._spawn(
            [
                sys.executable,
                "-m",
                "worker.service.demo.scimserver",
                "--port",
                str(self.ports.scim),
                f"--token={self.ports.scim_token}",  # one word: it may begin with a dash
                "--data",
                str(self._directory / "scim.jsonl"),
                "--parent",
                str(os.getpid()),
            ],
            log="scim.log",
        )

    def _prepare_slapd(self) -> None:
        """Write the configuration; make the top entries at the first start."""
        home = self._directory / "ldap"
        data = home / "data"
        first = not data.exists()
        data.mkdir(parents=True, exist_ok=True)
        (home / "slapd.conf").write_text(_slapd_conf(home, self.ports.ldap_password), encoding="utf-8")
        (home / "slapd.conf").chmod(0o600)
        if not first:
            return
        tree = home / "tree.ldif"
        tree.write_text("\n".join(_ldif(dn, attributes) for dn, attributes in LDAP_TREE), encoding="utf-8")
        slapadd = shutil.which("slapadd", path=SEARCHED) or "slapadd"
        done = subprocess.run(  # noqa: S603 - our own arguments
            [slapadd, "-q", "-f", str(home / "slapd.conf"), "-l", str(tree)],
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            shutil.rmtree(data, ignore_errors=True)
            raise SurroundingsError(f"The demo's LDAP directory cannot be made: {done.stderr.decode().strip()[-300:]}")

    def _start_slapd(self) -> None:
        home = self._directory / "ldap"
        url = f"ldap://127.0.0.1:{self.ports.ldap}"
        self._spawn([str(self._slapd), "-f", str(home / "slapd.conf"), "-h", url, "-d", "0"], log="ldap.log")

    def _spawn(self, command: Sequence[str], *, log: str) -> None:
        with (self._directory / log).open("ab") as output:
            self._processes.append(
                subprocess.Popen(  # noqa: S603 - our own arguments
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    preexec_fn=_end_with_parent,  # noqa: PLW1509 - one call into the kernel, nothing of Python's state
                )
            )

    def _last_words(self, log: str) -> str:
        """The end of a server's log, for the sentence that says that it ended."""
        path = self._directory / log
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {last[-200:]} ({path})" if last else f"; its log is {path}."

    async def _until_open(self, what: str, port: int, *, log: str) -> None:
        process = self._processes[0] if port == self.ports.scim else self._processes[-1]
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            if process.poll() is not None:
                raise SurroundingsError(f"The demo's {what} ended at once{self._last_words(log)}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.03)
                continue
            writer.close()
            return
        raise SurroundingsError(f"The demo's {what} does not answer; its log is in {self._directory}.")


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _slapd_conf(home: Path, password: str) -> str:
    includes = "".join(f"include {SCHEMAS}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    return (
        f"{includes}"
        "modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f"pidfile {home}/slapd.pid\n"
        # a listing must be paged, as at real directories
        "sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited\n"
        f"database mdb\nsuffix {LDAP_SUFFIX}\nrootdn {LDAP_ROOT}\nrootpw {password}\n"
        f"directory {home}/data\nmaxsize 268435456\ndbnosync\n"
        "index objectClass,uid,mail,employeeNumber,entryUUID eq\n"
    )


def _ldif(dn: str, attributes: dict[str, list[str]]) -> str:
    lines = [f"dn: {dn}"]
    lines += [f"{name}: {value}" for name, values in attributes.items() for value in values]
    return "\n".join(lines) + "\n"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
