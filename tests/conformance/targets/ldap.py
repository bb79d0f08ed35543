import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.gate import gate_to
from tests.conformance.targets import Target

SUFFIX = "dc=example,dc=com"
PEOPLE = f"ou=people,{SUFFIX}"
ROOT_DN = f"cn=admin,{SUFFIX}"
PASSWORD = "conformance-password"
SEARCHED = "/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/bin:/usr/libexec"
# Without paged results a listing would end here, as it does at real directories.
SIZE_LIMIT = 500


@dataclass(slots=True)
class Slapd:
    """An OpenLDAP server of our own, on a free port of the loopback interface."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        (self.directory / "data").mkdir()
        (self.directory / "slapd.conf").write_text(_configuration(self.directory))
        base = self.directory / "base.ldif"
        base.write_text(
            f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n"
            f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n"
        )
        command = [program("slapadd"), "-q", "-f", str(self.directory / "slapd.conf"), "-l", str(base)]
        subprocess.run(command, check=True)

    def start(self) -> None:
        command = [program("slapd"), "-f", str(self.directory / "slapd.conf"), "-h", self.url, "-d", "0"]
        self.process = subprocess.Popen(command, start_new_session=True)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        pytest.fail("slapd did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


def program(name: str) -> str:
    found = shutil.which(name, path=SEARCHED)
    assert found, f"{name} is not installed"
    return found


def _configuration(directory: Path) -> str:
    schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    return (
        f"{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {directory}/slapd.pid\n"
        f"sizelimit size.soft={SIZE_LIMIT} size.hard={SIZE_LIMIT} size.prtotal=unlimited\n"
        f"database mdb\nsuffix {SUFFIX}\nrootdn {ROOT_DN}\nrootpw {PASSWORD}\ndirectory {directory}/data\n"
        "maxsize 268435456\ndbnosync\nindex objectClass,uid,mail,entryUUID,modifyTimestamp eq\n"
    )


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    server = Slapd(tmp_path_factory.mktemp("slapd"), port)
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def ldap_target(slapd: Slapd) -> AsyncIterator[Target]:
    async with gate_to("127.0.0.1", slapd.port) as gate:
        yield Target(
            type="ldap",
            config={
                "url": f"ldap://127.0.0.1:{gate.port}",
                "base_dn": PEOPLE,
                "bind_dn": ROOT_DN,
                "active_attribute": "employeeType",
                "multi_valued": ["telephoneNumber"],
            },
            credentials={"password": PASSWORD},
            bad_credentials={"password": "wrong"},
            gate=gate,
            naming="uid",
            text="title",
            multi_valued="telephoneNumber",
            unknown_uid="00000000-0000-1000-8000-000000000000",
            person=person,
        )


def person(name: str) -> dict[str, Any]:
    return {
        "uid": name,
        "cn": f"Zoë Müller {name}",
        "givenName": "Zoë",
        "sn": "Müller",
        "mail": f"{name}@example.com",
        "title": "Dr.",
    }
