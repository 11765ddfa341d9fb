"""Files appear whole or not at all; a run folder is claimed once."""

import subprocess
import sys
from pathlib import Path

import pytest

from sciml.errors import InputError
from sciml.files import atomic_path, only_writer, require_suffix


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
