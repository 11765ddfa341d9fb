"""Nearness in an encoder's vectors, also after a trip through a model file."""

import json
import tracemalloc

import numpy as np
import pytest

from molecules.evaluation.similarity import fingerprints
from molecules.prediction.domain import AXES, NEIGHBOURS, Domain, LatentSpace
from sciml.errors import InputError


def test_exact_where_the_axes_span_everything() -> None:
    random = np.random.default_rng(0)
    train, query = random.normal(size=(50, AXES)), random.normal(size=(7, AXES))
    distances = np.linalg.norm(query[:, None] - train, axis=-1)
    expected = np.sort(distances, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    space = LatentSpace.fit(train)
    np.testing.assert_allclose(space.distance(query) * space.typical, expected, rtol=1e-5)
    own = np.linalg.norm(train[:, None] - train, axis=-1)
    typical = np.median(np.sort(own, axis=1)[:, 1 : NEIGHBOURS + 1].mean(axis=1))
    np.testing.assert_allclose(space.typical, typical, rtol=1e-5)


def test_what_leaves_the_axes_is_far() -> None:
    random = np.random.default_rng(0)
    train = np.zeros((100, 2 * AXES))
    train[:, :AXES] = random.normal(size=(100, AXES))
    away = train[:1].copy()
    away[0, -1] = 50.0
    space = LatentSpace.fit(train)
    assert space.distance(train[:1])[0] < 2
    assert space.distance(away)[0] > 5


def test_never_farther_than_in_full() -> None:
    random = np.random.default_rng(0)
    train, query = random.normal(size=(60, 40)), random.normal(size=(9, 40))
    full = np.sort(np.linalg.norm(query[:, None] - train, axis=-1), axis=1)[:, :NEIGHBOURS]
    space = LatentSpace.fit(train)
    assert (space.distance(query) * space.typical <= full.mean(axis=1) + 1e-5).all()


@pytest.mark.parametrize("rows", [5, 100])
def test_parts_do_not_matter(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model file holds axes and points as float32, whose last digits may differ."""
    random = np.random.default_rng(0)
    train, query = random.normal(size=(2, rows, 40)) * np.geomspace(10, 0.1, 40)
    whole = LatentSpace.fit(train)
    monkeypatch.setattr("molecules.prediction.domain._PART", 7)
    parts = LatentSpace.fit(train)
    assert parts.typical == pytest.approx(whole.typical, rel=1e-6)
    np.testing.assert_allclose(parts.distance(query), whole.distance(query), rtol=1e-6)
    centred = train - train.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:AXES]
    found = parts._read[1]
    np.testing.assert_allclose(
        centred @ found.T @ found, centred @ axes.T @ axes, rtol=0, atol=1e-5
    )


def test_many_vectors_are_not_copied() -> None:
    vectors = np.random.default_rng(0).normal(size=(50_000, 32))
    tracemalloc.start()
    LatentSpace.fit(vectors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < vectors.nbytes / 2


def test_survives_as_plain_data() -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 30))
    domain = Domain.fit(fingerprints(["CCO", "c1ccccc1"]), vectors)
    again = Domain.read(json.loads(json.dumps(domain.to_metadata())))
    assert again is not None
    np.testing.assert_array_equal(
        again.latent.distance(vectors[:3]), domain.latent.distance(vectors[:3])
    )
    assert Domain.read({}) is None
    damaged = LatentSpace(**{**domain.latent.model_dump(), "axes": "%%"})
    with pytest.raises(InputError, match="damaged"):
        damaged.distance(vectors)


def test_neighbours_that_are_copies_make_no_scale() -> None:
    vectors = np.repeat(np.random.default_rng(0).normal(size=(30, 8)), 7, axis=0)
    assert LatentSpace.fit(vectors).distance(vectors[:1] + 0.1).item() < 1000


def test_one_training_molecule() -> None:
    space = LatentSpace.fit(np.ones((1, 4)))
    np.testing.assert_allclose(space.distance(np.array([[1.0, 1, 1, 1], [3, 1, 1, 1]])), [0, 2])
