"""A wheel of the project holds all that the commands need."""

import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclopts import App

from molecules.cli import app as molecules
from sciml.cli import run
from weather.cli import app as weather

ROOT = Path(__file__).parents[1]
DATA = [
    path
    for package in ("sciml", "weather", "molecules")
    for path in sorted((ROOT / package).rglob("*"))
    if path.is_file() and path.suffix not in {".py", ".pyc"}
]


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    names = [name.decode() for name in files.stdout.split(b"\0") if name]
    if files.returncode or not names:
        pytest.skip("not a git checkout: cannot tell the project's files from others")
    for name in names:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("path", DATA, ids=lambda path: str(path.relative_to(ROOT)))
def test_data_files_are_in(contents: set[str], path: Path) -> None:
    assert path.relative_to(ROOT).as_posix() in contents


def test_code_and_commands_are_in_and_tests_are_not(contents: set[str]) -> None:
    assert {"sciml/training.py", "weather/cli.py", "molecules/cli.py"} <= contents
    assert any(name.endswith("entry_points.txt") for name in contents)
    assert not any(name.startswith(("tests", "benchmarks", "notebooks")) for name in contents)


@pytest.mark.parametrize("app", [weather, molecules], ids=["weather", "molecules"])
def test_commands_tell_their_version(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, ["--version"])
    assert ended.value.code in (0, None)
    assert capsys.readouterr().out.strip() == version("sciml-foundation")
