"""What a chemist looks at before ordering a molecule: properties, alerts, the drawing.

Dear functions (alerts cost some 2 ms, QED 1 ms): for the few hits, not for a library.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from molecules.drawing import draw
from molecules.screening.filters import FLAGS, alerts

if TYPE_CHECKING:
    from rdkit.Chem import Mol


@dataclass(frozen=True)
class Profile:
    """A molecule at a glance.

    Attributes:
        molecular_weight: g/mol, average.
        log_p: Crippen's estimate of the octanol-water partition.
        tpsa: topological polar surface area, Å².
        donors, acceptors: of hydrogen bonds, after Lipinski.
        qed: quantitative estimate of drug-likeness, 0 to 1.
        alerts: what filters flagged, e.g. "PAINS quinone A"; before them, what keeps it from
            being a whole molecule.
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


def profile(smiles: str, flags: Sequence[str] = FLAGS, shown: str | None = None) -> Profile:
    """Properties, alerts of the named filters, and drawing of a molecule that RDKit reads.

    Args:
        smiles: of the molecule.
        flags: filters by name.
        shown: what is drawn instead, such as its salt.
    """
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
            alerts=(*_open_ends(molecule), *alerts(molecule, flags)),
            svg=draw(shown or smiles),
        )


def _open_ends(molecule: "Mol") -> list[str]:
    atoms = list(molecule.GetAtoms())
    found = {
        "open end (*)": any(atom.GetAtomicNum() == 0 for atom in atoms),
        "radical": any(atom.GetNumRadicalElectrons() for atom in atoms),
    }
    return [told for told, there in found.items() if there]
