"""Files appear whole or not at all; a run folder is claimed once."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sciml.errors import InputError
from sciml.files import atomic_path, only_writer, require_suffix, require_writable


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with atomic_path(path) as temporary:
        temporary.write_text("first")
        assert temporary.suffix == ".csv"
        assert not path.exists()
    with pytest.raises(UnicodeEncodeError), atomic_path(path) as temporary:
        temporary.write_text("half \ud800", encoding="utf-8")
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is a folder"), atomic_path(tmp_path):
        pass


def test_two_processes_do_not_write_one_output(tmp_path: Path) -> None:
    path = tmp_path / "new" / "forecast.nc"
    again = (
        "from pathlib import Path; from sciml.files import only_writer\n"
        f"with only_writer(Path({str(path)!r})): pass"
    )
    second = [sys.executable, "-c", again]
    with only_writer(path):
        refused = subprocess.run(second, capture_output=True, text=True, check=False)
    assert "another process is writing" in refused.stderr
    subprocess.run(second, check=True)
    assert not list(path.parent.iterdir())


def test_an_output_of_another_kind_is_refused(tmp_path: Path) -> None:
    require_suffix(tmp_path / "a.nc", ".nc", ".zarr")
    with pytest.raises(InputError, match=r"a.txt: give a name that ends in .nc or .zarr"):
        require_suffix(tmp_path / "a.txt", ".nc", ".zarr")


@pytest.mark.parametrize("claim", [atomic_path, only_writer])
def test_an_output_that_cannot_be_is_named_with_its_reason(claim, tmp_path: Path) -> None:
    """The user's path, not a hidden one; and no other process is at fault."""
    (tmp_path / "file").touch()
    places = {
        Path("/proc/forecast.nc"): "cannot write /proc/forecast.nc: .*; choose another folder",
        tmp_path / "file" / "forecast.nc": "forecast.nc: a file is in the place of its folder",
    }
    for path, message in places.items():
        with pytest.raises(InputError, match=message), claim(path):
            pass


def test_a_failure_while_writing_names_the_output(tmp_path: Path) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "table.csv"
    with (
        pytest.raises(InputError, match=f"cannot write {path}: Permission denied; choose another"),
        atomic_path(path) as temporary,
    ):
        refused(temporary)
    with pytest.raises(PermissionError, match="other"), atomic_path(path):
        refused(tmp_path / "other")


def test_an_output_is_tried_and_leaves_nothing_behind(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "scores", folder=True)
    require_writable(tmp_path / "new" / "table.csv")
    require_writable(tmp_path, folder=True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    require_writable(tmp_path / "file")
    for path, folder, message in (
        (tmp_path / "file", True, "it is a file; give a folder"),
        (tmp_path, False, "it is a folder; give a file name"),
        (tmp_path / "file" / "scores", True, "a file is in the place of its folder"),
        (Path("/proc/scores"), True, "choose another folder"),
        (Path("/proc/table.csv"), False, "choose another folder"),
    ):
        with pytest.raises(InputError, match=message):
            require_writable(path, folder)


def test_a_full_disk_is_told_with_the_output_and_what_to_do(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "out.csv") as path:
            path.write_text("a part")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as writers do, without a name

    with pytest.raises(InputError, match=r"out\.csv: No space left on device, and .*make room"):
        write()
    assert not list(tmp_path.iterdir())
