"""How similar molecules are to one, and the window of similarity that they are to keep to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.similarity import fingerprints
from molecules.screening.diversity import tanimoto
from sciml.errors import InputError

Window = tuple[float, float]  # least and largest Tanimoto similarity, within 0 to 1


def similarity_to(start: str, smiles: Sequence[str]) -> NDArray[np.float64]:
    """(molecule,) Tanimoto similarity of Morgan fingerprints (radius 2, 2,048 bits) to one."""
    bits = fingerprints([start, *smiles])
    return tanimoto(bits[:1], bits[1:])[0]


def read_window(text: str) -> Window:
    """`0.4:0.9` as two numbers.

    Raises:
        InputError: it is something else.
    """
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise InputError(f"--similarity is {text!r}; expected LOW:HIGH, as in 0.4:0.9") from None


def check_window(window: Window) -> None:
    """Raise InputError for a window that nothing could keep to."""
    low, high = window
    if not 0 <= low < high <= 1:
        raise InputError(f"--similarity is {low:g}:{high:g}; expected LOW:HIGH within 0:1")
