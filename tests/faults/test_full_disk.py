"""The disk that holds the database is full for a while: nothing that was acknowledged is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kit.fleet import ROOT

MOUNT = "mount -t tmpfs -o size={size}m,mode=0711 storm {directory}"
RUN = "exec {python} -m tests.faults.kit.fulldisk {directory}"
SIZE_MIB = 400


def refusal(directory: Path) -> str | None:
    """Why no small disk can be had here; None when one can."""
    if os.geteuid() != 0:
        return "only root can mount"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "storm", directory], check=False, capture_output=True, text=True
    )
    return None if tried.returncode == 0 else f"no mount namespace: {tried.stderr.strip()}"


@pytest.mark.timeout(400)
def test_a_full_disk_loses_nothing_and_work_goes_on_once_there_is_space(open_directory: Path) -> None:
    if (reason := refusal(open_directory)) is not None:
        pytest.skip(reason)
    command = f"{MOUNT} && {RUN}".format(size=SIZE_MIB, directory=open_directory, python=sys.executable)

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command], cwd=ROOT, check=False, capture_output=True, text=True, timeout=380
    )

    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
