"""Cutting batches from a store, padding them, and handing them to PyTorch Geometric."""

import numpy as np
import pytest
import torch

from molecules.features.features import featurize
from molecules.molecule import MoleculeBatch, Padded

SMILES = ["CCO", "C", "c1ccccc1", "[Na+].[Cl-]"]


def test_cut_keeps_order_and_repeats() -> None:
    packed = featurize(SMILES).packed
    batch = MoleculeBatch.cut(packed, [2, 0, 0])
    assert len(batch) == 3
    assert batch.ptr.tolist() == [0, 6, 9, 12]
    assert batch.batch.tolist() == [0] * 6 + [1] * 3 + [2] * 3
    first, second = batch.select(torch.tensor([1]))[0], batch.select(torch.tensor([2]))[0]
    torch.testing.assert_close(first.edge_index, second.edge_index)
    assert (batch.batch[batch.edge_index[0]] == batch.batch[batch.edge_index[1]]).all()
    assert (batch.edge_index[1].diff() >= 0).all()


def test_padding_is_undone() -> None:
    batch = MoleculeBatch.cut(featurize(SMILES).packed, np.arange(4))
    padded = Padded.of(batch)
    values = torch.randn(len(batch.x), 3)
    assert padded.valid.sum(1).tolist() == [3, 1, 6, 2]
    torch.testing.assert_close(padded.gather(padded.pad(values)), values)
    assert not padded.pad(values)[~padded.valid].any()


def test_select_is_cut() -> None:
    packed = featurize(SMILES).packed
    part, rows = MoleculeBatch.cut(packed, np.arange(4)).select(torch.tensor([3, 0]))
    again = MoleculeBatch.cut(packed, [0, 3])
    for name in ("x", "edge_index", "edge_attr", "batch", "ptr"):
        torch.testing.assert_close(getattr(part, name), getattr(again, name))
    assert rows.tolist() == [0, 1, 2, 10, 11]


def test_without_conformers() -> None:
    batch = MoleculeBatch.cut(featurize(SMILES).packed, np.arange(4))
    assert not batch.has_conformer.any()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # on its import
def test_pytorch_geometric() -> None:
    batch = MoleculeBatch.cut(featurize(SMILES).packed, np.arange(4))
    theirs = batch.to_pyg()
    for name in ("x", "edge_index", "edge_attr", "batch", "ptr"):
        torch.testing.assert_close(getattr(theirs, name), getattr(batch, name))
