"""The contribution of every atom to every prediction, for the rows of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from molecules.choices import Method
from molecules.explanation.environments import Environments
from molecules.explanation.gradients import by_gradient, no_information
from molecules.explanation.masking import by_masking
from molecules.features.coordinates import Positions
from molecules.prediction.ensemble import AnyPredictor, each
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import PropertyPredictor
from sciml.errors import InputError


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
        origin: (row, task) what the networks say without information, where integrated
            gradients begin; NaN without a prediction, None of other methods.
    """

    prediction: Prediction
    smiles: list[str]
    atoms: list[NDArray[np.float64]]
    method: Method
    origin: NDArray[np.float64] | None = None


def attribute(
    predictor: AnyPredictor,
    smiles: Sequence[str | None],
    method: Method = "masking",
    positions: Positions | None = None,
) -> Attribution:
    """Explain every row; all atoms of many molecules are computed together.

    Args:
        predictor: the model, or several, whose contributions are averaged.
        smiles: one per row.
        method: how; see `Attribution`.
        positions: as of `PropertyPredictor.predict`.

    Raises:
        InputError: several models standardize molecules differently.
    """
    predictors = each(predictor)
    if len({one.config.standardize for one in predictors}) > 1:
        raise InputError(
            "the models standardize molecules differently, so their atoms are not the same: "
            "explain with one of them at a time"
        )
    prediction = predictor.predict(smiles, positions=positions)
    told = predictor.standardized(prediction.smiles)
    parts, origins = zip(
        *(_by_row(one, prediction.smiles, method, positions) for one in predictors), strict=True
    )
    atoms = [
        np.mean(row, axis=0) if status == "ok" else np.empty((0, len(predictor.tasks)))
        for row, status in zip(zip(*parts, strict=True), prediction.status, strict=True)
    ]
    origin = np.mean(origins, axis=0) if method == "integrated" else None
    return Attribution(prediction, told, atoms, method, origin)


def _by_row(
    predictor: PropertyPredictor,
    smiles: Sequence[str | None],
    method: Method,
    positions: Positions | None,
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """(atom, task) of each row, none where there is no molecule; (row, task) of no information."""
    told, featurized, data = predictor.read(smiles, positions=positions)
    environments = None
    if predictor.config.model.fingerprint:
        environments = _environments([told[row] for row in featurized.rows])
    origin = np.full((len(smiles), len(predictor.tasks)), np.nan)
    match method:
        case "masking":
            values = by_masking(predictor, data, environments)
        case "integrated":
            values = by_gradient(predictor, data, environments)
            origin[featurized.rows] = no_information(predictor, data)
        case "gradient":
            values = by_gradient(predictor, data, environments, steps=1)
    atoms = [np.empty((0, len(predictor.tasks)))] * len(smiles)
    parts = np.split(values, featurized.packed.atom_start[1:-1])
    for row, part in zip(featurized.rows, parts, strict=False):
        atoms[row] = part
    return atoms, origin


def share_told(predictor: AnyPredictor) -> str:
    """What part of the predictions is explained, in a sentence; empty if all of it is."""
    predictors = each(predictor)
    others = list(dict.fromkeys(name for one in predictors for name in one.config.beside))
    if not others:
        return ""
    weights = np.mean([one.weights[0] for one in predictors], axis=0)
    pairs = zip(predictor.tasks.names, weights, strict=True)
    shares = ", ".join(f"{weight:.0%} of {name}" for name, weight in pairs)
    rest = " and ".join(others)
    return f"The atoms explain what the networks say, which makes {shares}; not {rest}."


def _environments(smiles: Sequence[str]) -> list[Environments]:
    with rdBase.BlockLogs():
        return [Environments.of(Chem.MolFromSmiles(text.strip())) for text in smiles]
