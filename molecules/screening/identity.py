"""What the model reads of a molecule; rows of which it reads the same are one hit."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.splits import canonical_smiles
from molecules.prediction.ensemble import each

if TYPE_CHECKING:
    from molecules.prediction.ensemble import AnyPredictor

Place = NDArray[np.float32]


def identities(
    predictor: "AnyPredictor", smiles: Sequence[str], places: Sequence[Place | None]
) -> list[str]:
    """What the model reads of each molecule as a text: of equal texts it predicts the same.

    That is the canonical SMILES of the standardized molecule, so that the salts of one are
    that one where a model reads them so; and its geometry for a model that learned from such.

    Args:
        predictor: the model, or several.
        smiles: of molecules that RDKit reads.
        places: (atom, 3) Å of each; None where the file tells none.
    """
    models = {one.config.standardize: one for one in each(predictor)}.values()
    forms = [_canonical(model.standardized(smiles)) for model in models]
    if any(one.config.coordinates == "own" for one in each(predictor)):
        forms.append(["" if place is None else _digest(place) for place in places])
    return [" ".join(filter(None, dict.fromkeys(row))) for row in zip(*forms, strict=True)]


def forms(predictor: "AnyPredictor", smiles: Sequence[str]) -> list[str]:
    """What filters and properties are to see of each molecule: without what the model strips.

    A model that strips nothing leaves it as it is, also its isotopes. Of several models the
    first decides.
    """
    if each(predictor)[0].config.standardize == "off":
        return list(smiles)
    return predictor.standardized(smiles)


def _canonical(smiles: Sequence[str]) -> list[str]:
    pairs = zip(canonical_smiles(smiles), smiles, strict=True)
    return [canonical or text for canonical, text in pairs]


def _digest(place: Place) -> str:
    return hashlib.sha256(np.ascontiguousarray(place, np.float32).tobytes()).hexdigest()[:16]
