"""Globs, URLs and compressed parts are read as one table; what does not fit is refused."""

import gzip
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from molecules.files.table import iter_library, read_table
from sciml.errors import InputError


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server of the folder."""
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Silent, directory=str(tmp_path))
    ) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def write_parts(folder: Path) -> None:
    (folder / "a.csv").write_text("smiles,y\nC,1\nCC,2\n")
    (folder / "b.csv.gz").write_bytes(gzip.compress(b"y;smiles\n3;CCC\n"))


def test_the_files_of_a_glob_are_one_table(tmp_path: Path) -> None:
    write_parts(tmp_path)
    table = read_table(tmp_path / "*.csv*")
    assert table.smiles == ["C", "CC", "CCC"]
    assert list(table.frame["y"]) == ["1", "2", "3"]
    fractions = [part.fraction for part in iter_library(f"{tmp_path}/?.csv*", 1)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_file_whose_name_looks_like_a_glob(tmp_path: Path) -> None:
    (tmp_path / "run[1].smi").write_text("CCO\n")
    assert read_table(tmp_path / "run[1].smi").smiles == ["CCO"]


def test_urls(tmp_path: Path, server: str) -> None:
    write_parts(tmp_path)
    assert read_table(f"{server}/a.csv?version=1").smiles == ["C", "CC"]
    assert read_table(f"{server}/b.csv.gz").smiles == ["CCC"]
    with pytest.raises(InputError, match=r"cannot read http://127.*none.csv: FileNotFound"):
        read_table(f"{server}/none.csv")
    assert read_table(f"file://{tmp_path}/*.csv*").smiles == ["C", "CC", "CCC"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("*.sdf", "matches nothing"),
        ("*.csv*", "differ in 'logP', 'y'"),
    ],
)
def test_globs_that_make_no_table(tmp_path: Path, pattern: str, message: str) -> None:
    (tmp_path / "a.csv").write_text("smiles,y\nC,1\n")
    (tmp_path / "b.csv").write_text("smiles,logP\nC,1\n")
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / pattern)


def test_folders_and_unknown_protocols_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="cannot read nowhere://x"):
        read_table("nowhere://x.csv")
