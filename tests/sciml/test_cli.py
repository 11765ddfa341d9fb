"""Commands: dotted options and one-line errors."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cyclopts import App

from sciml.cli import OPTIONS, Overrides, counted, going_on, run
from sciml.errors import InputError

app = App(name="demo", default_parameter=OPTIONS)


@app.command
def train(data: str, *, config: str = "small", set_: Overrides = None) -> None:
    """Train on DATA."""
    if data == "missing":
        raise InputError("no file\nmissing; give\n  another")
    if data == "unreadable":
        raise FileNotFoundError(2, "No such file or directory", "unreadable")
    print(data, config, set_)


@app.command
def simulate(*, days: int | None = None, share: float | int = 1) -> None:
    """Simulate DAYS."""
    print(days, share)


def test_dotted_options_become_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, ["train", "x.nc", "--model.dim", "[1, 2]", "--config", "c", "--training.lr=-1"])
    assert ended.value.code in (0, None)
    assert capsys.readouterr().out == "x.nc c ['model.dim=[1, 2]', 'training.lr=-1']\n"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("missing", "error: no file missing; give another\n"),
        ("unreadable", "error: unreadable: No such file or directory\n"),
    ],
)
def test_errors_are_one_line(data: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, ["train", data])
    assert ended.value.code == 2
    assert capsys.readouterr().err == line


def test_no_number_is_rounded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, ["simulate", "--days", "1.5"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: Invalid value for --days: 1.5 is not a whole number\n"
    with pytest.raises(SystemExit):
        run(app, ["simulate", "--days", "2", "--share", "1.5"])
    assert capsys.readouterr().out == "2 1.5\n"


def test_a_bar_is_seen_from_the_first_count_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError), counted("scoring, fields"):
        raise InputError("no such dates")
    assert "scoring" not in capsys.readouterr().err
    with counted("scoring, fields") as on_field:
        on_field(1, 2)
    assert "scoring, fields" in (shown := capsys.readouterr().err)
    assert "1/2" in shown


def test_unknown_option_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, ["train", "x", "--confg", "y"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "--config" in error
    assert error.count("\n") == 1


def test_a_long_line_is_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(app, ["simulate", "--days", "x y " * 40])
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("begun", [True, False])
def test_what_is_ended_says_whether_it_goes_on(
    number: signal.Signals, begun: bool, tmp_path: Path
) -> None:
    if begun:
        (tmp_path / "begun").touch()
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom sciml.cli import going_on\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # jobs of a shell ignore it
        f"with going_on(Path('begun')):\n    os.kill(os.getpid(), {int(number)})\n    input()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    told = "stopped; the same command goes on where it was" if begun else "stopped"
    assert done.stderr.splitlines()[0] == told
    assert done.returncode == -number


def test_afterwards_a_signal_ends_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with going_on(Path("none")):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
