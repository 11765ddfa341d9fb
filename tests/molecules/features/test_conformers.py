"""Conformers: the same for every spelling and seed, and never filled with zeros."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molecules.features import conformers as module
from molecules.features.conformers import conformers


def distances(positions: np.ndarray) -> np.ndarray:
    return np.linalg.norm(positions[:, None] - positions[None], axis=-1)


def test_bond_lengths() -> None:
    made = conformers(["CO"])
    assert made.reason == [""]
    assert distances(made.positions)[0, 1] == pytest.approx(1.42, abs=0.03)  # Å, experiment


def test_spelling_does_not_matter() -> None:
    one, other = "CC(C)C[C@H](N)C(=O)O", "OC(=O)[C@@H](N)CC(C)C"
    assert Chem.CanonSmiles(one) == Chem.CanonSmiles(other)
    first, second = conformers([one]).positions, conformers([other]).positions
    order = Chem.MolFromSmiles(other).GetSubstructMatch(Chem.MolFromSmiles(one))
    np.testing.assert_allclose(second[list(order)], first, atol=1e-6)


def test_failure_has_a_reason_and_no_positions() -> None:
    made = conformers(["C", "C" * (module.LARGEST + 1)])
    assert made.reason[0] == ""
    assert "no conformer" in made.reason[1]
    assert np.isnan(made.positions[1:]).all()


def test_processes_and_cache_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    smiles = ["CCO", "CCN", "CCF", "c1ccccc1"]
    alone = conformers(smiles, processes=1)
    together = conformers(smiles, processes=2, cache=tmp_path)
    np.testing.assert_array_equal(together.positions, alone.positions)
    monkeypatch.setattr(module, "_compute", None)
    again = conformers(smiles, cache=tmp_path)
    np.testing.assert_array_equal(again.positions, alone.positions)
    assert again.reason == alone.reason


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    made = conformers(["CO"], cache=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    np.testing.assert_array_equal(conformers(["CO"], cache=tmp_path).positions, made.positions)
    np.testing.assert_array_equal(np.load(file)["positions"], made.positions)


def test_one_that_took_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_positions", lambda *_: None)
    assert conformers(["CO"]).reason == ["distance geometry found no conformer"]
    monkeypatch.setattr(module, "SECONDS", 0)
    assert conformers(["CO"]).reason == ["distance geometry found no conformer within 0 s"]


@pytest.mark.parametrize("smiles", ["CCO.CCO", "C[N+](C)(C)C.[Br-]", "CC(=O)[O-].[Na+].O"])
def test_molecules_of_one_smiles_are_out_of_reach(smiles: str) -> None:
    found = conformers([smiles])
    whole = Chem.MolFromSmiles(smiles)
    parts = [list(atoms) for atoms in Chem.GetMolFrags(whole)]
    for number, one in enumerate(parts):
        for other in parts[:number]:
            apart = found.positions[one][:, None] - found.positions[other]
            assert np.linalg.norm(apart, axis=-1).min() > 12
    (alone,) = [conformers([Chem.MolToSmiles(Chem.MolFromSmiles(smiles.split(".")[0]))])]
    assert len(alone.positions) == len(parts[0])


def test_nothing() -> None:
    assert conformers([]).positions.shape == (0, 3)
