"""What is shipped: the wheel in a clean environment, and the container's recipe."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a clean environment with this wheel; the dependencies are those of the tests' environment."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--disable-pip-version-check", wheel], cwd="/", check=True)
    # After the installation: pip would find our own checkout there and have nothing to do.
    (packages / "dependencies.pth").write_text(f"{dependencies_only(folder)}\n")
    return folder / "bin"


def dependencies_only(folder: Path) -> Path:
    """A view of the installed packages without the editable checkout among them."""
    view = folder / "dependencies"
    view.mkdir()
    for each in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not each.name.startswith(("provisiond", "_editable", "worker")) and each.suffix != ".pth":
            (view / each.name).symlink_to(each)
    return view


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd="/",
        env={"PATH": os.defpath, "LANG": "C.UTF-8", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def below(folder: str) -> set[str]:
    """Files of the checkout that the wheel must hold, by their path in it."""
    base = ROOT / folder
    return {
        str(path.relative_to(ROOT))
        for path in base.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def test_wheel_holds_every_file_of_the_package_and_the_migrations(wheel):
    shipped = set(zipfile.ZipFile(wheel).namelist())
    migrations = {name.replace("migrations/", "worker/_migrations/", 1) for name in below("migrations")}

    assert sorted(migrations - shipped) == []
    assert sorted(below("worker") - shipped) == []
    assert any(name.endswith(".sql") for name in shipped)
    assert any("/static/" in name for name in shipped)
    assert any("/templates/" in name for name in shipped)


def test_wheel_carries_its_licence_and_no_tests(wheel):
    shipped = zipfile.ZipFile(wheel).namelist()

    assert any(name.endswith("/licenses/LICENSE") for name in shipped)
    assert not any(name.startswith("tests/") for name in shipped)


def test_command_works_from_a_clean_environment(environment):
    done = run(environment / "provisiond", "--help")

    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def test_migrations_are_found_in_a_clean_environment(environment):
    done = run(environment / "python", "-c", "from worker.store import migrate; print(migrate.directory())")

    assert done.stdout.strip().endswith("site-packages/worker/_migrations"), done.stderr
    assert list(Path(done.stdout.strip()).glob("0001_*.py"))


def test_connectors_register_themselves_in_a_clean_environment(environment):
    code = (
        "from importlib.metadata import entry_points as e; print(*sorted(x.name for x in e(group='worker.connectors')))"
    )

    assert {"csv", "sql", "scim", "ldap"} <= set(run(environment / "python", "-c", code).stdout.split())


def test_container_recipe_is_clean():
    done = run(Path(sysconfig.get_path("scripts")) / "hadolint", ROOT / "Dockerfile")

    assert done.returncode == 0, done.stdout + done.stderr
