"""Where the atoms of molecules are: as their file says, or as a conformer is made."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molecules.features.conformers import Conformers, conformers
from molecules.features.features import Featurized
from molecules.packed import starts

Source = Literal["own", "made"]
Positions = Mapping[int, NDArray[np.float32]]  # row -> (atom, 3) Å
LACKING = "the model learned from coordinates of a file; a conformer was made for this row"


def coordinates(
    smiles: Sequence[str],
    featurized: Featurized,
    own: Positions | None,
    seed: int,
    cache: Path | None,
) -> Conformers:
    """Positions of the usable molecules: their own, and conformers of those that have none.

    Args:
        smiles: one per row.
        featurized: of these rows.
        own: row -> positions in the order of its SMILES; None makes all.
        seed, cache: of the conformers.
    """
    own = own or {}
    usable = featurized.rows.tolist()
    sizes = np.diff(featurized.packed.atom_start)
    fits = [row in own and len(own[row]) == n for row, n in zip(usable, sizes, strict=True)]
    lacking = [row for row, fit in zip(usable, fits, strict=True) if not fit]
    made = conformers([smiles[row] for row in lacking], seed, cache=cache)
    first = starts(sizes[~np.array(fits, bool)])
    parts, reason, number = [np.empty((0, 3), np.float32)], [], 0
    for row, fit in zip(usable, fits, strict=True):
        if fit:
            parts.append(own[row])
            reason.append("")
        else:
            parts.append(made.positions[first[number] : first[number + 1]])
            reason.append(made.reason[number])
            number += 1
    return Conformers(np.concatenate(parts), reason)


def all_have_their_own(featurized: Featurized, own: Positions) -> bool:
    """Whether the file places every atom of every usable molecule."""
    sizes = np.diff(featurized.packed.atom_start).tolist()
    rows = zip(featurized.rows.tolist(), sizes, strict=True)
    return bool(sizes) and all(row in own and len(own[row]) == n for row, n in rows)
