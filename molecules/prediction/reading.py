"""Molecules as a model reads them: standardized, encoded, with what else it looks at."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from molecules.features.coordinates import LACKING, Positions, Source, coordinates
from molecules.features.data import MoleculeData
from molecules.features.features import MAX_ATOMS, Featurized
from molecules.features.standardize import Standardization
from molecules.features.store import stored_featurize
from molecules.files.inchi import as_smiles
from molecules.models.model import ModelConfig
from sciml.config import Config
from sciml.errors import InputError
from sciml.transformer_config import WindowTransformerConfig


class ReadingConfig(Config):
    """How a model reads molecules.

    Attributes:
        model: whose input they are.
        max_atoms: larger molecules get the status `too_large`.
        coordinates: where positions come from, for a model that sees them: `own` of a file
            of three dimensions, or `made`.
        conformer_seed: of the conformers that are made.
        standardize: what is done to a molecule before the model sees it.
    """

    model: ModelConfig
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    coordinates: Source = "made"
    conformer_seed: int = 0
    standardize: Standardization = "off"


def encode(
    smiles: Sequence[str],
    config: ReadingConfig,
    fingerprints: bool = False,
    cache: Path | None = None,
    positions: Positions | None = None,
) -> tuple[Featurized, MoleculeData]:
    """What became of every row, and the graphs of the usable ones.

    Args:
        smiles: standardized, one per row.
        config: of the model.
        fingerprints: count Morgan environments also for a model that does not.
        cache: folder that keeps graphs and conformers between calls.
        positions: of rows, for a model that learned from those of a file; a row without says
            so.
    """
    counted = fingerprints or config.model.fingerprint
    featurized = stored_featurize(smiles, config.max_atoms, counted, cache)
    own = (positions or {}) if config.coordinates == "own" else None
    seen = None
    if sees_conformers(config.model):
        placed = coordinates(smiles, featurized, own, config.conformer_seed, cache)
        seen, reason = placed.positions, list(featurized.reason)
        for row, why in zip(featurized.rows.tolist(), placed.reason, strict=True):
            if why:
                reason[row] = f"predicted without a conformer: {why}"
            elif own is not None and row not in own:
                reason[row] = LACKING
        featurized = replace(featurized, reason=reason)
    data = MoleculeData(
        featurized.packed,
        np.arange(len(featurized.packed)),
        positions=seen,
        fingerprints=featurized.fingerprints,
    )
    return featurized, data


def with_remarks(smiles: Sequence[str | None], featurized: Featurized) -> Featurized:
    """The same; rows that are predicted, but are no whole molecule, say so."""
    reason = list(featurized.reason)
    for row in featurized.rows.tolist():
        if remark := remark_of(smiles[row] or ""):
            reason[row] = "; ".join(filter(None, [reason[row], remark]))
    return replace(featurized, reason=reason)


def remark_of(text: str) -> str:
    """What is to be said of a SMILES that is read, though it may not be a whole molecule."""
    written = next(iter(text.split()), "")  # what follows is a name, or an extension
    if "*" in written:
        return "holds an open end (*), which is predicted as an atom of no element"
    if query := re.search(r"\[#\d+[^\]]*\]", written):
        return f"holds an atom as in a query ({query[0]}), which is read as one without hydrogens"
    return ""


def sees_conformers(config: ModelConfig) -> bool:
    """Whether a model's input includes positions."""
    return isinstance(config.backbone, WindowTransformerConfig) and config.geometry != "graph"


def similar_sizes(data: MoleculeData, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Rows of each batch; molecules of similar size go together, which saves padding."""
    order = np.argsort(np.diff(data.packed.atom_start), kind="stable")
    for first in range(0, len(order), batch_size):
        yield order[first : first + batch_size]


def texts_of(cells: object) -> list[str | None]:
    """Cells as SMILES, also those of InChI; None for what pandas takes as missing.

    Raises:
        InputError: a single text, whose letters would count as molecules, no sequence, or one
            of something else than texts.
    """
    if isinstance(cells, str | bytes) or not isinstance(cells, Iterable):
        raise InputError(f"{cells!r:.80} came; expected several SMILES, such as ['CCO']")
    return [_text_of(cell) for cell in cells]


def _text_of(cell: object) -> str | None:
    text = str(cell)
    if text in ("None", "nan", "<NA>"):
        return None
    if not isinstance(cell, str | float | int | np.number):  # a number is a row that says so
        raise InputError(
            f"a {type(cell).__name__} came among SMILES; expected texts, of a molecule of RDKit "
            "that of Chem.MolToSmiles"
        )
    return as_smiles([text])[0]
