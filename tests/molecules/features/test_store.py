"""What is kept on disk is what would be made anew, and no more than a kilobyte."""

from pathlib import Path

import numpy as np
import pytest

from molecules.features import store
from molecules.features.features import Featurized, featurize
from molecules.features.store import chunk_path, read, stored_featurize
from molecules.files.table import demo_library

ROWS = ["CC(=O)Oc1ccccc1C(=O)O", "bad(", None, "F/C=C/F", "C[C@H](N)C(=O)[O-]", "", "C" * 1001]


def same(first: Featurized, second: Featurized) -> None:
    for name, array in vars(first.packed).items():
        np.testing.assert_array_equal(array, getattr(second.packed, name))
        assert array.dtype == getattr(second.packed, name).dtype
    np.testing.assert_array_equal(first.rows, second.rows)
    assert (first.status, first.reason) == (second.status, second.reason)
    assert (first.fingerprints is None) == (second.fingerprints is None)
    if first.fingerprints is not None:
        np.testing.assert_array_equal(first.fingerprints, second.fingerprints)


@pytest.mark.parametrize("fingerprints", [False, True])
@pytest.mark.parametrize("rows", [ROWS, ["bad(", ""], []])
def test_kept_is_made(rows: list[str | None], fingerprints: bool, tmp_path: Path) -> None:
    plain = featurize(rows, with_fingerprints=fingerprints)
    for _ in range(2):
        same(stored_featurize(rows, with_fingerprints=fingerprints, folder=tmp_path), plain)


def test_mapped_and_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK", 3)
    plain = featurize(ROWS)
    stored_featurize(ROWS, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr(store, "featurize", None)
    same(stored_featurize(ROWS, folder=tmp_path), plain)
    atoms = read(chunk_path(ROWS[:3], 1000, False, tmp_path)).packed.atoms
    assert isinstance(atoms, np.memmap)
    assert not atoms.flags.writeable


@pytest.mark.parametrize("kept", [False, True])
def test_processes_change_nothing(
    kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK", 2)
    monkeypatch.setattr(store, "CHUNKS_A_PROCESS", 2)
    alone, together = (tmp_path / "alone", tmp_path / "together") if kept else (None, None)
    plain = stored_featurize(ROWS, with_fingerprints=True, folder=alone, processes=1)
    monkeypatch.setattr(store, "featurize", None)  # here: spawned processes have their own
    same(stored_featurize(ROWS, with_fingerprints=True, folder=together, processes=2), plain)
    if alone and together:
        files = {path.name: path.read_bytes() for path in alone.iterdir()}
        assert {path.name: path.read_bytes() for path in together.iterdir()} == files


def test_name_follows_content_and_encoding(tmp_path: Path) -> None:
    names = {
        chunk_path(rows, most, fingerprints, tmp_path)
        for rows in (["C"], ["CC"], ["C", "C"], ["C\nC"], ["C", ""], ["", "C"])
        for most in (10, 20)
        for fingerprints in (False, True)
    }
    assert len(names) == 24
    assert chunk_path(["C", None], 10, False, tmp_path) == chunk_path(
        ["C", ""], 10, False, tmp_path
    )


def test_damaged_file_is_made_again(tmp_path: Path) -> None:
    plain = stored_featurize(ROWS, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (b"", whole[:4], whole[:100], whole[:-1]):
        path.write_bytes(damaged)
        same(stored_featurize(ROWS, folder=tmp_path), plain)
        assert path.read_bytes() == whole


def test_a_molecule_takes_less_than_a_kilobyte(tmp_path: Path) -> None:
    smiles = [line.split()[0] for line in demo_library().read_text().splitlines()[-400:]]
    found = stored_featurize(smiles, with_fingerprints=True, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    atoms = len(found.packed.atoms) / len(found.packed)
    assert path.stat().st_size / len(found.packed) < 1000 * max(1, atoms / 30)
