"""Molecules as a model reads them: standardized, encoded, with what else it looks at."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molecules.features.coordinates import LACKING, Positions, coordinates
from molecules.features.data import MoleculeData
from molecules.features.features import Featurized
from molecules.features.store import stored_featurize
from molecules.models.model import ModelConfig
from sciml.transformer_config import WindowTransformerConfig


def encode(
    smiles: Sequence[str],
    model: ModelConfig,
    max_atoms: int,
    conformer_seed: int,
    fingerprints: bool,
    cache: Path | None,
    own: Positions | None = None,
) -> tuple[Featurized, MoleculeData]:
    """What became of every row, and the graphs of the usable ones.

    Args:
        smiles: standardized, one per row.
        model: whose input they are.
        max_atoms: larger molecules get the status `too_large`.
        conformer_seed: of the conformers, for a model that sees them.
        fingerprints: count Morgan environments also for a model that does not.
        cache: folder that keeps graphs and conformers between calls.
        own: positions of rows, for a model that learned from those of a file; a row without
            says so. None makes conformers.
    """
    counted = fingerprints or model.fingerprint
    featurized = stored_featurize(smiles, max_atoms, counted, cache)
    positions = None
    if sees_conformers(model):
        placed = coordinates(smiles, featurized, own, conformer_seed, cache)
        positions, reason = placed.positions, list(featurized.reason)
        for row, why in zip(featurized.rows.tolist(), placed.reason, strict=True):
            if why:
                reason[row] = f"predicted without a conformer: {why}"
            elif own is not None and row not in own:
                reason[row] = LACKING
        featurized = replace(featurized, reason=reason)
    data = MoleculeData(
        featurized.packed,
        np.arange(len(featurized.packed)),
        positions=positions,
        fingerprints=featurized.fingerprints,
    )
    return featurized, data


def sees_conformers(config: ModelConfig) -> bool:
    """Whether a model's input includes positions."""
    return isinstance(config.backbone, WindowTransformerConfig) and config.geometry != "graph"


def similar_sizes(data: MoleculeData, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Rows of each batch; molecules of similar size go together, which saves padding."""
    order = np.argsort(np.diff(data.packed.atom_start), kind="stable")
    for first in range(0, len(order), batch_size):
        yield order[first : first + batch_size]


def text_of(cell: object) -> str | None:
    """A cell as text; None for what pandas takes as missing."""
    text = str(cell)
    return None if text in ("None", "nan", "<NA>") else text
