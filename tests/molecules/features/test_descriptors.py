"""Descriptors are RDKit's own, and a molecule it cannot describe has NaN."""

import numpy as np
from rdkit import Chem
from rdkit.Chem import Crippen

from molecules.features import descriptors as module
from molecules.features.descriptors import NAMES, descriptors


def test_values_are_rdkits() -> None:
    found = descriptors(["CCO", "c1ccccc1"])
    assert found.shape == (2, len(NAMES))
    for row, smiles in zip(found, ["CCO", "c1ccccc1"], strict=True):
        log_p = Crippen.MolLogP(Chem.MolFromSmiles(smiles))
        assert row[NAMES.index("MolLogP")] == np.float32(log_p)


def test_odd_molecules_are_survived() -> None:
    found = descriptors(["[U]", "[Na+].[Cl-]", "*"])
    assert found.shape == (3, len(NAMES))
    assert np.isfinite(found[:, NAMES.index("MolWt")]).all()


def test_processes_change_nothing(monkeypatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    smiles = ["CCO", "CCN", "CCF", "c1ccccc1"]
    np.testing.assert_array_equal(descriptors(smiles, 2), descriptors(smiles, 1))


def test_nothing() -> None:
    assert descriptors([]).shape == (0, len(NAMES))
