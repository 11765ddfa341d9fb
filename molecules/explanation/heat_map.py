"""Contributions of atoms as colours on the structure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem.Draw import rdMolDraw2D

from molecules.drawing import set_options, svg_element

SIZE = (300, 210)  # user units
RAISES, LOWERS = (0.13, 0.44, 0.71), (0.85, 0.37, 0.05)  # blue and orange, told apart by all
_RADIUS = 0.45  # of an atom's disc, in bond lengths
_QUANTILE = 0.98  # of all contributions gets the full colour: one outlier must not pale the rest

Array = NDArray[np.float64]


def colour_scale(atoms: Sequence[Array]) -> float:
    """The contribution that gets the full colour, the same for all molecules of a page.

    Args:
        atoms: contributions (atom,) of each molecule.
    """
    sizes = np.abs(np.concatenate([np.zeros(1), *atoms]))
    scale = float(np.quantile(sizes[np.isfinite(sizes)], _QUANTILE))
    return scale or 1.0


def heat_map(smiles: str, contributions: Array, scale: float) -> str:
    """The structure with a disc behind each atom, as an SVG element without size.

    Args:
        smiles: a molecule that RDKit reads.
        contributions: (atom,) in its order of atoms; NaN gets no disc.
        scale: the contribution of full colour; white is zero.
    """
    with rdBase.BlockLogs():
        mol = rdMolDraw2D.PrepareMolForDrawing(Chem.MolFromSmiles(smiles), addChiralHs=False)
    drawing = rdMolDraw2D.MolDraw2DSVG(*SIZE)
    set_options(drawing)
    options: Any = drawing.drawOptions()
    options.useBWAtomPalette()
    options.highlightRadius = _RADIUS
    colours = {
        atom: _colour(value / scale)
        for atom, value in enumerate(contributions.tolist())
        if np.isfinite(value)
    }
    drawing.DrawMolecule(
        mol, highlightAtoms=list(colours), highlightAtomColors=colours, highlightBonds=[]
    )
    drawing.FinishDrawing()
    return svg_element(drawing.GetDrawingText(), SIZE)


def as_file(element: str) -> str:
    """An SVG element as a file of its own, on white."""
    opening, _, drawing = element.partition(">")
    size = f'width="{SIZE[0]}" height="{SIZE[1]}"'
    opening = opening.replace("<svg", f'<svg xmlns="http://www.w3.org/2000/svg" {size}')
    return f'{opening}>\n<rect width="100%" height="100%" fill="white"/>{drawing}'


def _colour(share: float) -> tuple[float, float, float]:
    """White at 0, full colour from 1 and -1 on."""
    full = RAISES if share > 0 else LOWERS
    strength = min(abs(share), 1.0)
    red, green, blue = (1 + strength * (part - 1) for part in full)
    return red, green, blue
