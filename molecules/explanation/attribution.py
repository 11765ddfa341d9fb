"""The contribution of every atom to every prediction, for the rows of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from molecules.explanation.environments import Environments
from molecules.explanation.gradients import by_gradient
from molecules.explanation.masking import by_masking
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import PropertyPredictor

Method = Literal["masking", "integrated", "gradient"]


@dataclass(frozen=True)
class Attribution:
    """Contributions of atoms beside the prediction they explain.

    Attributes:
        prediction: one row per input row.
        smiles: one per row, as the model read it.
        atoms: one array (atom, task) per row, atoms in the order of `smiles`, in
            the unit of the task or as probability; no atoms where there is no prediction.
        method: `masking`, see `masking.by_masking`; `integrated` and `gradient`, see
            `gradients.by_gradient`.
    """

    prediction: Prediction
    smiles: list[str]
    atoms: list[NDArray[np.float64]]
    method: Method


def attribute(
    predictor: PropertyPredictor, smiles: Sequence[str | None], method: Method = "masking"
) -> Attribution:
    """Explain every row; all atoms of many molecules are computed together.

    Args:
        predictor: the model.
        smiles: one per row.
        method: how; see `Attribution`.
    """
    prediction = predictor.predict(smiles)
    told, featurized, data = predictor.read(prediction.smiles)
    environments = None
    if predictor.config.model.fingerprint:
        environments = _environments([told[row] for row in featurized.rows])
    match method:
        case "masking":
            values = by_masking(predictor, data, environments)
        case "integrated":
            values = by_gradient(predictor, data, environments)
        case "gradient":
            values = by_gradient(predictor, data, environments, steps=1)
    atoms = [np.empty((0, len(predictor.tasks)))] * len(prediction)
    parts = np.split(values, featurized.packed.atom_start[1:-1])
    for row, part in zip(featurized.rows, parts, strict=False):
        atoms[row] = part
    return Attribution(prediction, told, atoms, method)


def share_told(predictor: PropertyPredictor) -> str:
    """What part of the predictions is explained, in a sentence; empty if all of it is."""
    if not predictor.others:
        return ""
    pairs = zip(predictor.tasks.names, predictor.weights[0], strict=True)
    shares = ", ".join(f"{weight:.0%} of {name}" for name, weight in pairs)
    others = " and ".join(predictor.config.beside)
    return f"The atoms explain what the networks say, which makes {shares}; not {others}."


def _environments(smiles: Sequence[str]) -> list[Environments]:
    with rdBase.BlockLogs():
        return [Environments.of(Chem.MolFromSmiles(text.strip())) for text in smiles]
