"""Nearness to the training set, also after a trip through a model file."""

import base64
import tracemalloc
import weakref
import zlib

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.DataStructs import BulkTanimotoSimilarity

from molecules.evaluation import similarity
from molecules.evaluation.similarity import (
    Nearness,
    fingerprints,
    from_text,
    nearest,
    similarities,
    similarity_to_train,
    to_text,
)
from molecules.evaluation.splits import parse
from molecules.files.table import demo_activity
from sciml.errors import InputError


def test_agrees_with_rdkit() -> None:
    smiles = demo_activity().smiles[:80]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    known = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in smiles]
    expected = [max(BulkTanimotoSimilarity(query, known[:50])) for query in known[50:]]
    found = similarity_to_train(smiles[:50], smiles[50:])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
    every = [BulkTanimotoSimilarity(query, known[:50]) for query in known[50:]]
    ours = [similarities(query, fingerprints(smiles[:50])) for query in fingerprints(smiles[50:])]
    np.testing.assert_allclose(ours, every, rtol=0, atol=1e-15)


def test_what_has_no_neighbour() -> None:
    assert similarity_to_train(["CCO", "c1ccccc1"], ["OCC"])[0] == 1
    assert np.isnan(similarity_to_train(["CCO"], ["nope", ""])).all()
    assert np.isnan(similarity_to_train([], ["C"])).all()
    assert np.isnan(similarity_to_train(["nope"], ["C"])).all()
    none, ethanol = fingerprints(["nope", "CCO"])
    np.testing.assert_array_equal(similarities(ethanol, np.stack([none, ethanol])), [np.nan, 1])
    assert np.isnan(similarities(none, np.stack([none, ethanol]))).all()


def test_molecules_and_bits_are_held_one_by_one() -> None:
    held = (weakref.ref(molecule) for molecule in parse(["CCO"] * 9) if molecule)
    assert sum(ref() is not None for ref in list(held)) <= 1
    tracemalloc.start()
    packed = fingerprints(["CCO"] * 5000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * packed.nbytes


def test_survives_as_text() -> None:
    known = fingerprints(demo_activity().smiles)
    text = to_text(known)
    assert len(text) < 150 * len(known)
    np.testing.assert_array_equal(from_text(text), known)
    np.testing.assert_array_equal(nearest(known[:3], from_text(text)), [1, 1, 1])
    with pytest.raises(InputError, match="damaged"):
        from_text("%%%")


def test_text_that_grows_beyond_what_is_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "MOST_KEPT", 1000)
    known = np.zeros((1001, 256), np.uint8)
    np.testing.assert_array_equal(from_text(to_text(known[1:])), known[1:])
    with pytest.raises(InputError, match="damaged"):
        from_text(base64.b64encode(zlib.compress(known.tobytes())).decode())


def test_nearness_counts_strangers_and_near_copies() -> None:
    found = Nearness.of(np.array([0.1, 0.2, 0.5, 0.9, np.nan]))
    assert (found.median, found.far, found.near) == (0.35, 0.5, 0.25)
    assert "0.35 in the median, 50% below 0.3, 25% from 0.9 on" in str(found)
    assert np.isnan(Nearness.of(np.array([np.nan])).median)
