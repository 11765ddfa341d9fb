"""What a user may ask of a new molecule: properties that follow from its graph."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors

CONDITIONS: dict[str, Callable[[Chem.Mol], float]] = {
    "logP": Crippen.MolLogP,  # type: ignore[attr-defined]  # octanol-water, Crippen's estimate
    "TPSA": rdMolDescriptors.CalcTPSA,  # topological polar surface area, Å²
    "weight": Descriptors.MolWt,  # type: ignore[attr-defined]  # g/mol
    "rings": rdMolDescriptors.CalcNumRings,
}


def conditions_of(molecule: Chem.Mol) -> NDArray[np.float32]:
    """(condition,) in the order of CONDITIONS."""
    return np.array([function(molecule) for function in CONDITIONS.values()], np.float32)
