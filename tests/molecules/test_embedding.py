"""The shipped encoder in scikit-learn's pipelines."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from molecules import Embedder, MoleculeEmbedding
from molecules.models.shipped import weights_path
from sciml.errors import InputError

ALKANES = ["C" * n for n in range(2, 26)]


def test_vectors_are_those_of_the_encoder() -> None:
    made = clone(MoleculeEmbedding()).fit_transform(["CCO", "bad(", ""])
    np.testing.assert_array_equal(made, Embedder.load("base").embed(["CCO", "bad(", ""]).vectors)
    assert np.isnan(made[1:]).all()
    assert len(MoleculeEmbedding().fit(["C"]).get_feature_names_out()) == made.shape[1]


def test_a_file_is_read_anew_where_it_was_replaced(tmp_path: Path) -> None:
    path, shipped = tmp_path / "encoder.safetensors", weights_path(Path("base"))
    shutil.copy(shipped, path)
    before = MoleculeEmbedding(str(path)).fit_transform(ALKANES)
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        header = file.metadata()
    save_file({name: 1.01 * tensor for name, tensor in tensors.items()}, path, header)
    after = MoleculeEmbedding(str(path)).fit_transform(ALKANES)
    np.testing.assert_array_equal(after, Embedder.load(path).embed(ALKANES).vectors)
    assert not np.allclose(before, after)


def test_a_ridge_on_them_tells_size() -> None:
    pipeline = make_pipeline(MoleculeEmbedding(), StandardScaler(), Ridge())
    scores = cross_val_score(pipeline, np.array(ALKANES)[::-1], np.arange(24.0), cv=3)
    assert scores.shape == (3,)
    assert pipeline.fit(ALKANES, np.arange(24.0)).score(ALKANES, np.arange(24.0)) > 0.95


def test_what_the_user_can_mend() -> None:
    with pytest.raises(InputError, match="expected SMILES as text"):
        MoleculeEmbedding().fit([1.0, 2.0])
    with pytest.raises(InputError, match="nor weights of that name"):
        MoleculeEmbedding("best").fit(ALKANES)
