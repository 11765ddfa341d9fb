"""Structures as SVG that a page can scale."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rdkit import Chem

SIZE = (220, 150)  # user units
SMALL = (120, 84)


def draw(smiles: str, size: tuple[int, int] = SIZE) -> str:
    """The structure as an SVG element without size, so that a page can scale it."""
    from rdkit.Chem.Draw import rdMolDraw2D

    drawing = rdMolDraw2D.MolDraw2DSVG(*size)
    set_options(drawing)
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, _parsed(smiles))
    drawing.FinishDrawing()
    return svg_element(drawing.GetDrawingText(), size)


def set_options(drawing: Any) -> None:
    """How all structures look: no background, small molecules stay small."""
    options, small = drawing.drawOptions(), drawing.Width() < SIZE[0]
    options.clearBackground = False
    options.bondLineWidth = 1 if small else 1.4
    options.minFontSize = 8 if small else 10
    options.fixedBondLength = 12 if small else 22


def svg_element(text: str, size: tuple[int, int]) -> str:
    """RDKit's SVG file as an element for a page, without width and height."""
    body = text.split("<!-- END OF HEADER -->")[-1]
    return f'<svg viewBox="0 0 {size[0]} {size[1]}" role="img">{body}'


def _parsed(smiles: str) -> "Chem.Mol":
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles)
