"""Offspring by exchange: a part of a molecule gives way to one that a known molecule has.

A part hangs on an acyclic single bond, as in matched molecular pairs (Hussain and Rea 2010,
J. Chem. Inf. Model. 50, 339); hydrogen is a part too, so that molecules grow and shrink. It
comes only where known molecules have it: on an atom of the same kind, with neighbours of the
same kinds (Polishchuk 2020, J. Cheminform. 12, 28, with a context of one bond).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdMMPA

from molecules.explanation.matched_pairs import CUT
from molecules.features.selfies import constitution
from molecules.generation.offspring import Offspring
from sciml.errors import InputError

LARGEST = 12  # heavy atoms of a part
LARGEST_MOLECULE = 100  # heavy atoms; beyond, cutting takes long
MOST_KNOWN = 5_000  # molecules whose parts are taken
_HYDROGEN = "[*:1][H]"
_COMMON = 0.5  # exponent of how often a part is seen, in the odds that it is drawn

# the atom that carries a part, and its neighbours: symbol, in a ring, hybridization
Joint = tuple[tuple[str, bool, str], ...]


@dataclass(frozen=True)
class Site:
    """A place of a molecule where a part can be exchanged.

    Attributes:
        rest: what stays, and `part`, what hangs on it, as SMILES with `[*:1]`.
        joint: the atom of the rest that the part hangs on.
    """

    rest: str
    part: str
    joint: Joint


@dataclass(frozen=True)
class Parts:
    """Parts that hang on one kind of atom.

    Attributes:
        smiles: with `[*:1]`.
        odds: of being drawn; they add up to one.
        seen_in: a known molecule with each.
    """

    smiles: tuple[str, ...]
    odds: NDArray[np.float64]
    seen_in: tuple[str, ...]


class Exchanges:
    """Makes offspring of the parts of known molecules.

    Args:
        known: constitutions of the known molecules.
        parts: by the atom that they hang on.
        draws: source of randomness.
    """

    def __init__(
        self, known: frozenset[str], parts: dict[Joint, Parts], draws: np.random.Generator
    ) -> None:
        self.known, self.parts, self.draws = known, parts, draws

    @classmethod
    def of(cls, molecules: Sequence[str], seed: int) -> Self:
        """Parts of molecules; of `MOST_KNOWN` drawn from them, if there are more.

        Raises:
            InputError: no molecule has a part.
        """
        draws = np.random.default_rng(seed)
        known = sorted({constitution(text) for text in molecules} - {""})
        chosen = draws.permutation(len(known))[:MOST_KNOWN].tolist()
        parts = _collected(known[row] for row in sorted(chosen))
        if not parts:
            raise InputError(f"no parts to exchange in {len(known)} molecules; give --parts TABLE")
        return cls(frozenset(known), parts, draws)

    def describe(self) -> str:
        """What offspring is made of, for a reader."""
        number = len({text for parts in self.parts.values() for text in parts.smiles})
        return f"exchanges with {number:,} parts of {len(self.known):,} known molecules"

    def place(self, smiles: Sequence[str]) -> None:
        """Nothing is to be known of parents but their structure."""

    def accepts(self, smiles: str) -> bool:
        """Whether a molecule can be a parent."""
        return bool(sites(smiles))

    def knows(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """(molecule,) whether it is a known one."""
        return np.array([text in self.known for text in smiles], bool)

    def offspring(self, parents: Sequence[str], number: int) -> list[Offspring]:
        """Children of parents drawn evenly, each by one exchange."""
        chosen = self.draws.integers(len(parents), size=number).tolist()
        return [self._child(parents[row]) for row in chosen]

    def _child(self, parent: str) -> Offspring:
        open_sites = [site for site in sites(parent) if site.joint in self.parts]
        if not open_sites:
            return Offspring("", parent, "")
        site = open_sites[self.draws.integers(len(open_sites))]
        parts = self.parts[site.joint]
        row = int(self.draws.choice(len(parts.smiles), p=parts.odds))
        part = parts.smiles[row]
        how = f"{plain(site.part)}>>{plain(part)}, as in {parts.seen_in[row]}"
        return Offspring(joined(site.rest, part), parent, how)


@lru_cache(maxsize=4096)
def sites(smiles: str) -> tuple[Site, ...]:
    """Where parts of a molecule can be exchanged, in a fixed order.

    None of a salt, and none where the molecule itself has an open end.
    """
    if "." in smiles or "*" in smiles:
        return ()
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None or molecule.GetNumHeavyAtoms() > LARGEST_MOLECULE:
            return ()
        pairs = [(rest, _HYDROGEN) for rest in _without_hydrogen(molecule)]
        for _, pair in rdMMPA.FragmentMol(molecule, maxCuts=1, pattern=CUT, resultsAsMols=False):
            one, other = pair.split(".")
            pairs += [(one, other), (other, one)]
        found = {(rest, _from_the_end(part)) for rest, part in pairs if _may_go(part, rest)}
    return tuple(Site(rest, part, _joint(rest)) for rest, part in sorted(found))


def joined(rest: str, part: str) -> str:
    """The molecule of a rest and a part, as a constitution; empty if it cannot be."""
    if part == _HYDROGEN:
        return constitution(rest.replace("[*:1]", "[H]"))
    with rdBase.BlockLogs():
        try:
            whole = Chem.molzip(Chem.MolFromSmiles(rest), Chem.MolFromSmiles(part))
            return constitution(Chem.MolToSmiles(whole))
        except (ValueError, RuntimeError):
            return ""


def plain(part: str) -> str:
    """A part as a reader knows it: `*OC`."""
    return part.replace("[*:1]", "*")


def _collected(molecules: Iterable[str]) -> dict[Joint, Parts]:
    counts: dict[Joint, dict[str, int]] = {}
    seen: dict[tuple[Joint, str], str] = {}
    for smiles in molecules:
        for site in sites(smiles):
            of_joint = counts.setdefault(site.joint, {})
            of_joint[site.part] = of_joint.get(site.part, 0) + 1
            seen.setdefault((site.joint, site.part), smiles)
    return {
        joint: Parts(
            tuple(sorted(parts)),
            _odds([parts[part] for part in sorted(parts)]),
            tuple(seen[joint, part] for part in sorted(parts)),
        )
        for joint, parts in counts.items()
    }


def _odds(counts: Sequence[int]) -> NDArray[np.float64]:
    weights = np.array(counts, np.float64) ** _COMMON
    odds: NDArray[np.float64] = weights / weights.sum()
    return odds


def _without_hydrogen(molecule: Chem.Mol) -> set[str]:
    """Rests with `[*:1]` in place of one hydrogen, one for each kind of hydrogen."""
    explicit = Chem.AddHs(molecule)
    ranks = Chem.CanonicalRankAtoms(explicit, breakTies=False)
    hydrogens = {
        ranks[atom.GetIdx()]: atom.GetIdx()
        for atom in explicit.GetAtoms()
        if atom.GetAtomicNum() == 1 and atom.GetDegree() == 1
    }
    return {_opened(explicit, index) for index in hydrogens.values()}


def _opened(explicit: Chem.Mol, hydrogen: int) -> str:
    editable = Chem.RWMol(explicit)
    atom = editable.GetAtomWithIdx(hydrogen)
    atom.SetAtomicNum(0)
    atom.SetAtomMapNum(1)
    return str(Chem.MolToSmiles(Chem.RemoveHs(editable), isomericSmiles=True))


@lru_cache(maxsize=100_000)
def _heavy_atoms(smiles: str) -> int:
    return int(Chem.MolFromSmiles(smiles).GetNumHeavyAtoms())  # the open end is none


@lru_cache(maxsize=100_000)
def _from_the_end(part: str) -> str:
    """The same part, written from its open end on."""
    if part == _HYDROGEN:
        return part
    molecule = Chem.MolFromSmiles(part)
    return str(Chem.MolToSmiles(molecule, rootedAtAtom=_end(molecule).GetIdx()))


def _may_go(part: str, rest: str) -> bool:
    size = _heavy_atoms(part)
    return size <= LARGEST and size <= _heavy_atoms(rest) and _heavy_atoms(rest) > 0


def _joint(rest: str) -> Joint:
    molecule = Chem.MolFromSmiles(rest)  # atoms do not keep it alive
    (carrier,) = _end(molecule).GetNeighbors()
    around = sorted(_kind(atom) for atom in carrier.GetNeighbors() if atom.GetAtomicNum())
    return _kind(carrier), *around


def _kind(atom: Chem.Atom) -> tuple[str, bool, str]:
    symbol = atom.GetSymbol().lower() if atom.GetIsAromatic() else atom.GetSymbol()
    return symbol, atom.IsInRing(), str(atom.GetHybridization())


def _end(molecule: Chem.Mol) -> Chem.Atom:
    """The open end."""
    (end,) = (atom for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 0)
    return end
