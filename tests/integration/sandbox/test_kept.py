"""The packed packages: what a child is handed works without the files it was made of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.sandbox import supplies
from worker.sandbox.library import kept


def test_the_pack_is_made_once() -> None:
    assert supplies() == supplies()
    assert os.fstat(supplies()).st_size < 1_500_000


def test_blocks_of_letters_are_found_and_others_are_empty() -> None:
    assert kept.block(0x4E)
    assert kept.block(0xFFF) == b""


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "find_spec", lambda name: None)

    with pytest.raises(FileNotFoundError, match="the package anyascii is not installed"):
        kept._read_blocks()


def test_the_phone_package_is_imported_from_memory_alone() -> None:
    """In an interpreter that cannot find it: with its data, for every region, and without its front door."""
    code = (
        "import os, sys; sys.path.append(sys.argv[1]); from worker.sandbox.library import kept, phones; "
        "kept.receive(int(sys.argv[2])); "
        "util = phones._util(); print(*(util.country_code_for_region(r) for r in sorted(util.SUPPORTED_REGIONS))); "
        "print(phones.e164('030 901820', 'DE'), 'phonenumbers.phonenumbermatcher' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(Path(kept.__file__).parents[3]), str(supplies())],
        pass_fds=(supplies(),),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    codes, last = done.stdout.splitlines()
    assert len(codes.split()) > 200
    assert last == "+4930901820 False"
