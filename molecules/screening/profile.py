"""What a chemist looks at before ordering a molecule: properties, alerts, the drawing.

Dear functions (alerts cost some 2 ms, QED 1 ms): for the few hits, not for a library.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rdkit.Chem.FilterCatalog import FilterCatalog

DRAWING = (220, 150)  # pixels
PATTERN_COUNT = re.compile(r"\(\d+\)$")  # PAINS names end in how many compounds matched once


@dataclass(frozen=True)
class Profile:
    """A molecule at a glance.

    Attributes:
        molecular_weight: g/mol, average.
        log_p: Crippen's estimate of the octanol-water partition.
        tpsa: topological polar surface area, Å².
        donors, acceptors: of hydrogen bonds, after Lipinski.
        qed: quantitative estimate of drug-likeness, 0 to 1.
        alerts: matched PAINS and Brenk patterns, e.g. "PAINS quinone A".
        svg: the drawing.
    """

    molecular_weight: float
    log_p: float
    tpsa: float
    donors: int
    acceptors: int
    qed: float
    alerts: tuple[str, ...]
    svg: str


def profile(smiles: str) -> Profile:
    """Properties, alerts and drawing of a molecule that RDKit reads."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import QED, Descriptors, rdMolDescriptors

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        return Profile(
            molecular_weight=Descriptors.MolWt(molecule),  # type: ignore[attr-defined]
            log_p=rdMolDescriptors.CalcCrippenDescriptors(molecule)[0],
            tpsa=rdMolDescriptors.CalcTPSA(molecule),
            donors=rdMolDescriptors.CalcNumHBD(molecule),
            acceptors=rdMolDescriptors.CalcNumHBA(molecule),
            qed=QED.qed(molecule),
            alerts=_alerts(molecule),
            svg=draw(smiles),
        )


def draw(smiles: str) -> str:
    """The structure as an SVG element without size, so that a page can scale it."""
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    drawing = rdMolDraw2D.MolDraw2DSVG(*DRAWING)
    options: Any = drawing.drawOptions()
    options.clearBackground = False
    options.bondLineWidth = 1.4
    options.minFontSize = 10
    options.fixedBondLength = 22  # keeps small molecules small
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, Chem.MolFromSmiles(smiles))
    drawing.FinishDrawing()
    body = drawing.GetDrawingText().split("<!-- END OF HEADER -->")[-1]
    return f'<svg viewBox="0 0 {DRAWING[0]} {DRAWING[1]}" role="img">{body}'


def _alerts(molecule: object) -> tuple[str, ...]:
    return tuple(
        f"{name} {PATTERN_COUNT.sub('', match.GetDescription()).replace('_', ' ').strip()}"
        for name, catalog in _catalogs().items()
        for match in catalog.GetMatches(molecule)
    )


@cache
def _catalogs() -> dict[str, "FilterCatalog"]:
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

    kinds = FilterCatalogParams.FilterCatalogs
    return {
        name: FilterCatalog(FilterCatalogParams(kind))
        for name, kind in (("PAINS", kinds.PAINS), ("Brenk", kinds.BRENK))
    }
