"""RDKit molecules to integer codes, most of it a whole chunk at once.

Asking RDKit from Python for each property of each atom takes longer than parsing the
SMILES. So every molecule is asked a few questions that RDKit answers in one call each
(an invariant per atom, the matrix of bond orders, the bonds between rings), and all
else is done on the arrays of the chunk. Atoms with the same invariant have the same
features, which are therefore read from one of them only.

Stereochemistry enters by its CIP labels (R, S, E, Z), never by RDKit's clockwise and
counter-clockwise tags: these depend on the order in which a SMILES lists the atoms. Centres
that differ only by where other centres stand, as of cis- and trans-1,4-dimethylcyclohexane,
are r or s (IUPAC 2013, P-92.1.4.2), which share the codes of R and S.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdCIPLabeler, rdFingerprintGenerator, rdMolDescriptors, rdqueries

from molecules.packed import Packed, starts

ATOM_FIELDS = {  # name: number of codes
    "atomic_number": 121,  # 0 is a dummy atom, 119 an unknown element, MASKED_ATOM hidden
    "formal_charge": 9,  # clipped to -4..4, shifted by 4
    "hydrogens": 6,  # bound to it; 5 and more together
    "ring": 2,
    "isotope": 2,
    "degree": 8,  # neighbours in the graph; 7 and more together
    "aromatic": 2,
    "chirality": 3,  # none, R or r, S or s
}
BOND_FIELDS = {
    "order": 7,  # single, double, triple, aromatic, quadruple, other, MASKED_BOND
    "ring": 2,
    "stereo": 3,  # none, E, Z
}
FINGERPRINT = 2048  # counts of Morgan environments, folded
MASKED_ATOM, MASKED_BOND = 120, 6  # what pre-training hides
_READ_FROM_ATOM = 5  # the first atom fields; the others follow from bonds and labels
_RING = list(ATOM_FIELDS).index("ring")

_AROMATIC = 3
_ORDER_CODE = np.array([5, 5, 0, 3, 1, 5, 2, 5, 4, 5], np.uint8)  # by twice the bond order
_UNSPECIFIED = 0.5  # an order that no bond has, and that `_ORDER_CODE` takes for another one
_CIP_CODE = {"R": 1, "S": 2, "r": 1, "s": 2}
_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=FINGERPRINT)
_STEREO_CODE = {Chem.BondStereo.STEREOE: 1, Chem.BondStereo.STEREOZ: 2}
_CENTRE = Chem.RWMol(Chem.MolFromSmarts("*"))
_CENTRE.ReplaceAtom(0, rdqueries.HasPropQueryAtom("_CIPCode"))
_WITHOUT_LABEL = Chem.RWMol(Chem.MolFromSmarts("*"))
_WITHOUT_LABEL.ReplaceAtom(0, rdqueries.HasChiralTagQueryAtom())
_WITHOUT_LABEL.GetAtomWithIdx(0).ExpandQuery(rdqueries.HasPropQueryAtom("_CIPCode", negate=True))
_COMPARISONS = 100_000  # that RDKit may take for the labels of a molecule, some 0.1 s
_DOUBLE_BOND = Chem.MolFromSmarts("*=*")
_BETWEEN_RINGS = Chem.MolFromSmarts("[R]!@[R]")
_ALL_MATCHES: Any = Chem.SubstructMatchParameters()  # whose stubs take no number
_ALL_MATCHES.maxMatches = 2**31 - 1  # RDKit's own is 1000

Pairs = Sequence[Sequence[int]]


class Raw(NamedTuple):
    """What is read from one molecule before the arrays of its chunk are made.

    Attributes:
        invariants: one per atom.
        orders: (atom * atom,) bond orders, the same in both directions, 0 where there is no bond.
        links: both ends of each bond that joins ring atoms and is in no ring.
        chirality: atom and code of each labelled centre.
        stereo: both ends and code of each labelled double bond.
        fingerprint: (FINGERPRINT,) uint8; None if not asked for.
    """

    invariants: list[int]
    orders: NDArray[np.float64]
    links: Pairs
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
        invariants = rdMolDescriptors.GetConnectivityInvariants(mol, True)
        if not self._features.keys() >= set(invariants):
            for atom in set(invariants).difference(self._features):
                features = _atom_features(mol.GetAtomWithIdx(invariants.index(atom)))
                self._features[atom] = features
        return Raw(
            invariants=invariants,
            orders=_orders(mol).ravel(),
            links=mol.GetSubstructMatches(_BETWEEN_RINGS, _ALL_MATCHES),
            chirality=_chirality(mol) if centres else [],
            stereo=_stereo(mol) if double_bonds else [],
            fingerprint=counted(mol) if self._with_fingerprints else None,
        )

    def pack(self, raws: Sequence[Raw]) -> Packed:
        """Put molecules that this encoder has read into one store."""
        sizes = np.array([len(raw.invariants) for raw in raws], np.int64)
        atom, cell = starts(sizes), starts(sizes**2)
        order = np.concatenate([np.empty(0), *(raw.orders for raw in raws)])
        edges = np.flatnonzero(order != 0)  # both directions, sorted by receiver
        owner = np.searchsorted(cell, edges, side="right") - 1
        receivers, senders = np.divmod(edges - cell[owner], sizes[owner])
        code = _ORDER_CODE[np.minimum(2 * order[edges], 9).astype(np.int64)]
        atoms = self._atoms(raws, atom, atom[owner] + receivers, code)
        in_ring = atoms[:, _RING]
        ring = in_ring[atom[owner] + receivers] & in_ring[atom[owner] + senders]
        linked, ends = _rows([raw.links for raw in raws], 2)
        ring[_on_cells(linked, ends, 1, sizes, cell)[edges] > 0] = 0
        labelled, bonds = _rows([raw.stereo for raw in raws], 3)
        stereo = _on_cells(labelled, bonds[:, :2], bonds[:, 2], sizes, cell)[edges]
        return Packed(
            atoms=atoms,
            senders=senders.astype(np.uint16),
            receivers=receivers.astype(np.uint16),
            bonds=np.stack([code, ring, stereo], axis=1),
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
        owner, centres = _rows([raw.chirality for raw in raws], 2)
        chirality[start[owner] + centres[:, 0]] = centres[:, 1]
        return np.column_stack([read, degree, aromatic, chirality])


def _atom_features(atom: Chem.Atom) -> tuple[int, ...]:
    """Atomic number, formal charge, hydrogens, ring, isotope: the first atom fields.

    No isotope is told: atoms of one invariant share their features, and RDKit's invariant does
    not tell all isotopes apart.
    """
    return (
        min(atom.GetAtomicNum(), 119),
        min(max(atom.GetFormalCharge(), -4), 4) + 4,
        min(atom.GetTotalNumHs(), 5),
        int(atom.IsInRing()),
        0,
    )


def _orders(mol: Chem.Mol) -> NDArray[np.float64]:
    """(atom, atom) bond orders; RDKit's matrix with what it leaves out.

    RDKit writes a dative bond at its acceptor alone, and one of unspecified order nowhere.
    """
    orders: NDArray[np.float64] = Chem.GetAdjacencyMatrix(mol, useBO=True)
    if np.count_nonzero(orders) == 2 * mol.GetNumBonds():
        return orders
    orders = np.maximum(orders, orders.T)
    orders[(orders == 0) & (Chem.GetAdjacencyMatrix(mol) > 0)] = _UNSPECIFIED
    return orders


def counted(mol: Chem.Mol) -> NDArray[np.uint8]:
    """(FINGERPRINT,) how often each Morgan environment of radius 2 occurs."""
    return np.minimum(_MORGAN.GetCountFingerprintAsNumPy(mol), 255).astype(np.uint8)


def _chirality(mol: Chem.Mol) -> list[tuple[int, int]]:
    if unlabelled := mol.GetSubstructMatches(_WITHOUT_LABEL, _ALL_MATCHES):
        with suppress(RuntimeError):  # too symmetrical to be told within so many comparisons
            rdCIPLabeler.AssignCIPLabels(mol, [i for (i,) in unlabelled], [], _COMPARISONS)
    return [
        (atom, _CIP_CODE.get(mol.GetAtomWithIdx(atom).GetProp("_CIPCode"), 0))
        for (atom,) in mol.GetSubstructMatches(_CENTRE, _ALL_MATCHES)
    ]


def _stereo(mol: Chem.Mol) -> list[tuple[int, int, int]]:
    labelled = []
    for begin, end in mol.GetSubstructMatches(_DOUBLE_BOND, _ALL_MATCHES):
        if code := _STEREO_CODE.get(mol.GetBondBetweenAtoms(begin, end).GetStereo()):
            labelled.append((begin, end, code))
    return labelled


def _rows(
    lists: Sequence[Sequence[Sequence[int]]], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tuples of all molecules in one array: (row,) molecule of each and (row, width)."""
    counts = np.array([len(found) for found in lists], np.int64)
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(lists)), np.int64)
    return np.repeat(np.arange(len(lists)), counts), flat.reshape(-1, width)


def _on_cells(
    owner: NDArray[np.int64],
    ends: NDArray[np.int64],
    codes: NDArray[np.int64] | int,
    sizes: NDArray[np.int64],
    cell: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """(cell,) codes of bonds, in both directions, and zero elsewhere.

    Args:
        owner: (bond,) molecule.
        ends: (bond, 2) atoms.
        codes: (bond,).
        sizes, cell: (molecule,) atoms, and (molecule + 1,) first cell.
    """
    begin, end = ends.T
    marks = np.zeros(cell[-1], np.uint8)
    marks[cell[owner] + begin * sizes[owner] + end] = codes
    marks[cell[owner] + end * sizes[owner] + begin] = codes
    return marks
