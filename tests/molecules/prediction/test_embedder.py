"""Vectors of the encoder that ships: one for every row, whatever way a molecule is written."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from molecules.prediction.embedder import Embedder
from sciml.errors import InputError

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "C"]


@pytest.fixture(scope="module")
def base() -> Embedder:
    return Embedder.load("base")


def test_every_row_has_its_vector(base: Embedder) -> None:
    rows = [SMILES[0], "C(", None, *SMILES[1:]]
    made = base.embed(rows)
    assert made.status == ["ok", "invalid_smiles", "empty", "ok", "ok"]
    np.testing.assert_array_equal(np.isnan(made.vectors).all(axis=1), [0, 1, 1, 0, 0])
    _, _, data = base.read(SMILES)
    with torch.inference_mode():
        expected = base.encoders[0](data.__getitems__(np.arange(3)))
    np.testing.assert_allclose(made.vectors[[0, 3, 4]], expected, rtol=1e-5, atol=1e-6)


def test_another_way_to_write_it_changes_nothing(base: Embedder) -> None:
    molecules = [Chem.MolFromSmiles(smiles) for smiles in SMILES]
    others = [Chem.MolToRandomSmilesVect(molecule, 1, 7)[0] for molecule in molecules]
    alone = np.concatenate([base.embed([smiles]).vectors for smiles in others])
    np.testing.assert_allclose(base.embed(SMILES).vectors, alone, rtol=1e-4, atol=1e-5)


def test_inchi_are_standardized_as_smiles(base: Embedder) -> None:
    given = ["InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", None, "C("]
    assert base.standardized(given) == ["CCO", "", "C("]
    assert base.read(given)[1].status == ["ok", "empty", "invalid_smiles"]


def test_what_is_no_whole_molecule_is_told(base: Embedder) -> None:
    made = base.embed(["*CCO", "C[1*]", "[#6]CC", "CC |$a*b;$|", "CCO"])
    assert made.status == ["ok"] * 5
    assert [bool(why) for why in made.reason] == [True, True, True, False, False]
    assert "holds an open end (*)" in made.reason[0]
    assert "([#6])" in made.reason[2]


@pytest.mark.parametrize("other", [Chem.MolFromSmiles("CCO"), b"CCO"])
def test_what_is_no_text_is_refused_by_its_type(base: Embedder, other: object) -> None:
    with pytest.raises(InputError, match=f"a {type(other).__name__} came among SMILES"):
        base.embed(["CCO", other])  # type: ignore[list-item]


@pytest.mark.parametrize("precision", ["float64", "fp32", "float16"])
def test_another_precision_is_refused(precision: str) -> None:
    with pytest.raises(InputError, match=f"precision is '{precision}'; expected float32 or bfl"):
        Embedder.load("base", precision=precision)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="device is cuda, and torch finds no GPU"):
        Embedder.load("base", device="cuda")


def test_batches_of_none_are_refused(base: Embedder) -> None:
    with pytest.raises(InputError, match="batch_size is 0; expected at least 1"):
        base.embed(["C"], batch_size=0)


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(InputError, match="no file nothing, nor weights of that name"):
        Embedder.load("nothing")


@pytest.mark.parametrize("given", ["CCO", 5])
def test_a_single_text_is_no_list_of_molecules(base: Embedder, given: object) -> None:
    with pytest.raises(InputError, match="expected several SMILES"):
        base.embed(given)  # type: ignore[arg-type]
