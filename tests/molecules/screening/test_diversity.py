"""Choices differ, and agree with RDKit's own."""

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molecules.evaluation.similarity import fingerprints
from molecules.files.table import demo_library
from molecules.screening.diversity import SAME_CLUSTER, choose, clusters, require_number, tanimoto
from sciml.errors import InputError

SMILES = [line.split()[0] for line in demo_library().read_text().splitlines()[20:80]]
BITS = fingerprints(SMILES)


def test_tanimoto_is_rdkits() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    theirs = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in SMILES]
    expected = [DataStructs.BulkTanimotoSimilarity(one, theirs) for one in theirs]
    np.testing.assert_allclose(tanimoto(BITS, BITS), expected)


def test_maxmin_is_greedy() -> None:
    similarity = tanimoto(BITS, BITS)
    chosen = choose(BITS, 10, "maxmin")
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    outside = [row for row in range(len(BITS)) if row not in chosen]
    between = max(similarity[a, b] for a in chosen for b in chosen if a != b)
    assert between <= min(similarity[row, chosen].max() for row in outside) + 1e-12
    assert choose(BITS[:3], 10, "maxmin") == [0, 1, 2]


def test_butina_takes_the_best_of_each_cluster() -> None:
    chosen = choose(BITS, 1000, "butina")
    assert chosen == sorted(min(cluster) for cluster in clusters(BITS))
    assert chosen[0] == 0
    assert choose(BITS, 3, "butina") == chosen[:3]


def test_leaders_are_apart_and_nothing_better_is_left_out() -> None:
    similarity = tanimoto(BITS, BITS)
    chosen = choose(BITS, 1000, "leader")
    for row in range(len(BITS)):
        better = [other for other in chosen if other < row]
        assert (row in chosen) == bool((similarity[row, better] < SAME_CLUSTER).all())
    assert choose(BITS, 3, "leader") == chosen[:3]
    require_number(6, 6000, "leader")


def test_numbers_that_cannot_be() -> None:
    with pytest.raises(InputError, match="expected 1 to 5"):
        require_number(6, 5, "maxmin")
    with pytest.raises(InputError, match="at most 5000"):
        require_number(6, 6000, "butina")
