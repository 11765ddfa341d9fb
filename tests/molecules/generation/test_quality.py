"""Measures of samples by their closed forms."""

import numpy as np
import pytest

from molecules.generation.generator import Generator
from molecules.generation.quality import Quality, frechet_distance, internal_diversity


def test_frechet_distance_of_gaussians_along_one_axis() -> None:
    """(m - m')² + (s - s')² in standard deviations of the reference; none from itself."""
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((500, 3)) @ rng.standard_normal((3, 3))
    moved = reference.copy()
    moved[:, 1] = 3 * moved[:, 1] + 2
    assert frechet_distance(reference, reference) == pytest.approx(0, abs=1e-9)
    one = reference[:, 1:2]
    wide = np.column_stack([one[:, 0], rng.standard_normal(500)])
    other = wide.copy()
    other[:, 0] = wide[:, 0] + 2 * wide[:, 0].std()
    assert frechet_distance(other, wide) == pytest.approx(4, rel=1e-6)
    assert frechet_distance(moved, reference) > 4


def test_diversity() -> None:
    assert internal_diversity(["CCO", "CCO", "CCO"]) == pytest.approx(0)
    assert internal_diversity(["CCO", "c1ccncc1"]) == pytest.approx(1)


def test_quality_of_what_was_learned(generator: Generator, learned: list[str]) -> None:
    found = Quality.of([*learned, *learned, ""], learned, generator)
    assert found.samples == 2 * len(learned) + 1
    assert found.validity == pytest.approx(1 - 1 / found.samples)
    assert found.uniqueness == pytest.approx(0.5)
    assert found.novelty == 0
    assert found.distance < 0.01
