"""RDKit molecules to integer codes, most of it a whole chunk at once.

Asking RDKit from Python for each property of each atom takes longer than parsing the
SMILES. So every molecule is asked a few questions that RDKit answers in one call each
(an invariant per atom, the matrix of bond orders, the rings), and all else is done on
the arrays of the chunk. Atoms with the same invariant have the same features, which
are therefore read from one of them only.

Stereochemistry enters by its CIP labels (R, S, E, Z), never by RDKit's clockwise and
counter-clockwise tags: these depend on the order in which a SMILES lists the atoms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors, rdqueries

from molecules.packed import Packed, starts

ATOM_FIELDS = {  # name: number of codes
    "atomic_number": 121,  # 0 is a dummy atom, 119 an unknown element, MASKED_ATOM hidden
    "formal_charge": 9,  # clipped to -4..4, shifted by 4
    "hydrogens": 6,  # bound to it; 5 and more together
    "ring": 2,
    "isotope": 2,
    "degree": 8,  # neighbours in the graph; 7 and more together
    "aromatic": 2,
    "chirality": 3,  # none, R, S
}
BOND_FIELDS = {
    "order": 7,  # single, double, triple, aromatic, quadruple, other, MASKED_BOND
    "ring": 2,
    "stereo": 3,  # none, E, Z
}
FINGERPRINT = 2048  # counts of Morgan environments, folded
MASKED_ATOM, MASKED_BOND = 120, 6  # what pre-training hides
_READ_FROM_ATOM = 5  # the first atom fields; the others follow from bonds and labels

_AROMATIC = 3
_ORDER_CODE = np.array([5, 5, 0, 3, 1, 5, 2, 5, 4, 5], np.uint8)  # by twice the bond order
_CIP_CODE = {"R": 1, "S": 2}
_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=FINGERPRINT)
_HAS_CIP = rdqueries.HasPropQueryAtom("_CIPCode")
_STEREO_CODE = {Chem.BondStereo.STEREOE: 1, Chem.BondStereo.STEREOZ: 2}


@dataclass(frozen=True)
class Raw:
    """What is read from one molecule before the arrays of its chunk are made.

    Attributes:
        invariants: one per atom.
        orders: (atom * atom,) bond orders, 0 where there is no bond.
        rings: atoms along each ring.
        chirality: atom and code of each labelled centre.
        stereo: both ends and code of each labelled double bond.
        fingerprint: (FINGERPRINT,) uint8; None if not asked for.
    """

    invariants: list[int]
    orders: NDArray[np.float64]
    rings: Sequence[Sequence[int]]
    chirality: list[tuple[int, int]]
    stereo: list[tuple[int, int, int]]
    fingerprint: NDArray[np.uint8] | None = None


class Encoder:
    """Encodes molecules, and remembers the kinds of atoms it has seen.

    RDKit's connectivity invariant is a 32-bit hash of atomic number, total degree,
    hydrogens, charge, isotope shift and ring membership. Some hundred distinct ones
    occur in a million molecules.

    Args:
        with_fingerprints: count Morgan environments too.
    """

    def __init__(self, with_fingerprints: bool = False) -> None:
        self._with_fingerprints = with_fingerprints
        self._features: dict[int, tuple[int, ...]] = {}

    def read(self, mol: Chem.Mol, centres: bool = True, double_bonds: bool = True) -> Raw:
        """Ask RDKit.

        Args:
            mol: sanitized, with stereochemistry assigned, and at least one atom.
            centres, double_bonds: whether to look for their labels.
        """
        invariants = list(rdMolDescriptors.GetConnectivityInvariants(mol, True))
        for atom in set(invariants).difference(self._features):
            features = _atom_features(mol.GetAtomWithIdx(invariants.index(atom)))
            self._features[atom] = features
        ring_info = mol.GetRingInfo()
        return Raw(
            invariants=invariants,
            orders=Chem.GetAdjacencyMatrix(mol, useBO=True).ravel(),
            rings=ring_info.AtomRings(),
            chirality=_chirality(mol) if centres else [],
            stereo=_stereo(mol) if double_bonds else [],
            fingerprint=counted(mol) if self._with_fingerprints else None,
        )

    def pack(self, raws: Sequence[Raw]) -> Packed:
        """Put molecules that this encoder has read into one store."""
        sizes = np.array([len(raw.invariants) for raw in raws], np.int64)
        atom, cell = starts(sizes), starts(sizes**2)
        order = np.concatenate([np.empty(0), *(raw.orders for raw in raws)])
        (edges,) = np.nonzero(order)  # both directions, sorted by receiver
        owner = np.searchsorted(cell, edges, side="right") - 1
        receivers, senders = np.divmod(edges - cell[owner], sizes[owner])
        code = _ORDER_CODE[np.minimum(2 * order[edges], 9).astype(np.int64)]
        ring = _rings(raws, sizes, cell)[edges]
        return Packed(
            atoms=self._atoms(raws, atom, atom[owner] + receivers, code),
            senders=senders.astype(np.uint16),
            receivers=receivers.astype(np.uint16),
            bonds=np.stack([code, ring, _stereo_cells(raws, sizes, cell)[edges]], axis=1),
            atom_start=atom,
            edge_start=starts(np.bincount(owner, minlength=len(raws))),
        )

    def _atoms(
        self,
        raws: Sequence[Raw],
        start: NDArray[np.int64],
        receivers: NDArray[np.int64],
        order: NDArray[np.uint8],
    ) -> NDArray[np.uint8]:
        known = np.array(sorted(self._features), np.uint32)
        table = np.array([self._features[atom] for atom in known.tolist()], np.uint8)
        invariants = np.fromiter(chain.from_iterable(raw.invariants for raw in raws), np.uint32)
        read = table.reshape(-1, _READ_FROM_ATOM)[np.searchsorted(known, invariants)]
        degree = np.minimum(np.bincount(receivers, minlength=start[-1]), 7).astype(np.uint8)
        aromatic = np.zeros(start[-1], np.uint8)
        aromatic[receivers[order == _AROMATIC]] = 1
        chirality = np.zeros(start[-1], np.uint8)
        for base, raw in zip(start, raws, strict=False):
            for atom, code in raw.chirality:
                chirality[base + atom] = code
        return np.column_stack([read, degree, aromatic, chirality])


def _atom_features(atom: Chem.Atom) -> tuple[int, ...]:
    """Atomic number, formal charge, hydrogens, ring, isotope: the first atom fields."""
    return (
        min(atom.GetAtomicNum(), 119),
        min(max(atom.GetFormalCharge(), -4), 4) + 4,
        min(atom.GetTotalNumHs(), 5),
        int(atom.IsInRing()),
        int(atom.GetIsotope() > 0),
    )


def counted(mol: Chem.Mol) -> NDArray[np.uint8]:
    """(FINGERPRINT,) how often each Morgan environment of radius 2 occurs."""
    return np.minimum(_MORGAN.GetCountFingerprintAsNumPy(mol), 255).astype(np.uint8)


def _chirality(mol: Chem.Mol) -> list[tuple[int, int]]:
    return [
        (atom.GetIdx(), _CIP_CODE.get(atom.GetProp("_CIPCode"), 0))
        for atom in mol.GetAtomsMatchingQuery(_HAS_CIP)
    ]


def _stereo(mol: Chem.Mol) -> list[tuple[int, int, int]]:
    return [
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), code)
        for bond in mol.GetBonds()
        if (code := _STEREO_CODE.get(bond.GetStereo()))
    ]


def _rings(
    raws: Sequence[Raw], sizes: NDArray[np.int64], cell: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """(cell,) 1 for the bonds along each ring, in both directions."""
    cells: list[int] = []
    for raw, size, base in zip(raws, sizes.tolist(), cell.tolist(), strict=False):
        for ring in raw.rings:
            here = ring[-1]
            for there in ring:
                cells += (base + here * size + there, base + there * size + here)
                here = there
    flags = np.zeros(cell[-1], np.uint8)
    flags[np.array(cells, np.int64)] = 1
    return flags


def _stereo_cells(
    raws: Sequence[Raw], sizes: NDArray[np.int64], cell: NDArray[np.int64]
) -> NDArray[np.uint8]:
    codes = np.zeros(cell[-1], np.uint8)
    for raw, size, base in zip(raws, sizes, cell, strict=False):
        for begin, end, code in raw.stereo:
            codes[base + begin * size + end] = codes[base + end * size + begin] = code
    return codes
