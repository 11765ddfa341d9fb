"""Files that were made by earlier versions are found again."""

from pathlib import Path

import pytest

from molecules.features.conformers import conformers
from molecules.features.store import stored_featurize
from molecules.features.writing_order import stored_as_written
from molecules.pretraining.texts import store_texts

SMILES = ["CCO", "c1ccccc1"]


def test_names_are_those_of_version_0_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rdkit.__version__", "2025.03.1")
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.2.0")
    conformers(SMILES, cache=tmp_path, processes=1)
    stored_featurize([*SMILES, None, "é"], folder=tmp_path)
    stored_featurize(SMILES, with_fingerprints=True, folder=tmp_path)
    stored_as_written(SMILES, tmp_path)
    store_texts(SMILES, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "conformers-a12d03c4d4f158f8.npz",
        "graphs-120a1f1b7d8060d69b2238095814f31b.safetensors",
        "graphs-54115089957bec358b50444b88b2c482.safetensors",
        "texts-ae9f21525fd147a05c543bd785fd78cf.safetensors",
        "written-441ea317281dd5d24d9fee347becb512.txt",
    ]
