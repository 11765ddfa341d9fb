"""What a chemist looks at before ordering a molecule: properties, alerts, the drawing.

Dear functions (alerts cost some 2 ms, QED 1 ms): for the few hits, not for a library.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from molecules.drawing import draw

if TYPE_CHECKING:
    from rdkit.Chem.FilterCatalog import FilterCatalog

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
