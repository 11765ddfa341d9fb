"""An output that cannot be written is refused by its own name, before anything is read."""

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "none.nc", "--truth", "none.nc", "--out", "{}/scores"),
        ("track", "none.nc", "--out", "{}/tracks"),
        ("calibrate", "none.nc", "--truth", "none.nc", "--out", "{}/spread.json"),
    ],
)
def test_before_anything_is_read(call, one_line, command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", Path("/proc")):
        assert call(*(part.format(place) for part in command)) == 2
        line = one_line()
        assert f"cannot write {place}" in line
        assert "choose another" in line
    assert call(*(part.format(tmp_path / "new") for part in command)) == 2
    assert "no such file" in one_line()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["evaluate", "track"])
def test_a_file_is_no_folder(call, one_line, command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    truth = ["--truth", "none.nc"] if command == "evaluate" else []
    assert call(command, "none.nc", *truth, "--out", tmp_path / "file") == 2
    assert "it is a file; give a folder" in one_line()


def test_what_is_written_nowhere_names_no_other_process(
    call, one_line, waves_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for arguments in (
        ("prepare", waves_file, "--out", tmp_path / "file" / "store.zarr"),
        ("plot", waves_file, "--product", "msl", "--out", tmp_path / "file" / "map.png"),
    ):
        assert call(*arguments) == 2
        assert f"cannot write {arguments[-1]}: a file is in the place of its folder" in one_line()
