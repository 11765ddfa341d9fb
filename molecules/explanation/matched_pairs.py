"""Measured molecules that differ from a predicted one by a single exchange.

Two molecules are a matched pair if one acyclic single bond cut in each leaves the same
larger part (Hussain & Rea 2010, J. Chem. Inf. Model. 50, 339, with single cuts). RDKit's
rdMMPA makes the cuts.
"""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdMMPA

from molecules.evaluation.similarity import fingerprints, similarities
from molecules.prediction.training_set import TrainingSet

CANDIDATES = 64  # nearest training molecules that are cut
LARGEST_EXCHANGED = 10  # heavy atoms
LARGEST_MOLECULE = 100  # heavy atoms; beyond, cutting takes long
CUT = "[!#1]-!@[!#1]"  # acyclic single bonds, not dative ones; RDKit's own leaves out those of C=O
HYDROGEN = "*[H]"
_ATTACHMENT = re.compile(r"\[\*:1\]")


@dataclass(frozen=True)
class MatchedPair:
    """A training molecule that differs by one exchange.

    Attributes:
        smiles: of the training molecule.
        here, there: what stands at the cut bond in the explained and in the training
            molecule, with `*` for the common part.
        size: heavy atoms of both parts, the measure of how small the exchange is.
        labels: (task,) mean of its measured values, NaN where unmeasured.
    """

    smiles: str
    here: str
    there: str
    size: int
    labels: NDArray[np.float64] = field(compare=False)

    @property
    def exchange(self) -> str:
        """From the training molecule to the explained one: `*F>>*Cl`."""
        return f"{self.there}>>{self.here}"


def matched_pairs(smiles: str, known: TrainingSet, most: int = 3) -> list[MatchedPair]:
    """The training molecules with the smallest exchanges, each once.

    Looked for among the `CANDIDATES` nearest by Tanimoto similarity.

    Args:
        smiles: a molecule that RDKit reads.
        known: measured molecules.
        most: how many to give.
    """
    own = cuts(smiles)
    pairs, known = [], known.distinct
    for row in _candidates(smiles, known):
        found = [
            MatchedPair(known.smiles[row], *own[core].exchanged(there), known.labels[row])
            for core, there in cuts(known.smiles[row]).items()
            if core in own and own[core].may_be_exchanged(there)
        ]
        pairs += sorted(found, key=lambda pair: pair.size)[:1]
    return sorted(pairs, key=lambda pair: pair.size)[:most]


@dataclass(frozen=True)
class Part:
    """What is cut off.

    Attributes:
        smiles: with `*` for the rest of the molecule.
        size: heavy atoms.
        only_hydrogen: found by filling the cut with hydrogen, or by cutting nothing off.
    """

    smiles: str
    size: int
    only_hydrogen: bool = False

    def may_be_exchanged(self, there: "Part") -> bool:
        """Whether the rest being the same makes a pair.

        A rest filled with hydrogen forgets where the part was: it tells of one exchange
        only if the other molecule is that rest.
        """
        if self.smiles == there.smiles:
            return False
        return not self.only_hydrogen or HYDROGEN in (self.smiles, there.smiles)

    def exchanged(self, there: "Part") -> tuple[str, str, int]:
        """Both parts, and how many heavy atoms they have together."""
        return self.smiles, there.smiles, self.size + there.size


@lru_cache(maxsize=20_000)
def cuts(smiles: str) -> dict[str, Part]:
    """The rest of the molecule -> the smaller part cut off, for every bond that can be cut."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None or mol.GetNumHeavyAtoms() > LARGEST_MOLECULE:
            return {}
        found = {_with_hydrogen(Chem.MolToSmiles(mol)): Part(HYDROGEN, 0, only_hydrogen=True)}
        for _, pieces in rdMMPA.FragmentMol(mol, maxCuts=1, pattern=CUT, resultsAsMols=False):
            small, large, *apart = sorted(pieces.split("."), key=_place)
            size = _heavy_atoms(small)
            if size <= LARGEST_EXCHANGED and size < _heavy_atoms(large):
                part, rest = Part(_plain(small), size), ".".join([large, *apart])
                found[_plain(rest)] = part
                found[_with_hydrogen(rest)] = replace(part, only_hydrogen=True)
    return found


def _place(piece: str) -> tuple[bool, int, str]:
    """Both ends of the cut first, the smaller before the larger, then what is no part of it."""
    return not _ATTACHMENT.search(piece), _heavy_atoms(piece), piece


def _with_hydrogen(rest: str) -> str:
    """The whole molecule that a rest is with hydrogen at the cut, under a key of its own."""
    return "H " + Chem.CanonSmiles(_ATTACHMENT.sub("[H]", rest))


def _candidates(smiles: str, known: TrainingSet) -> NDArray[np.int64]:
    if not len(known):
        return np.empty(0, np.int64)
    (query,) = fingerprints([smiles])
    similarity = np.nan_to_num(similarities(query, known.fingerprints), nan=-1.0)
    return np.argsort(-similarity, kind="stable")[:CANDIDATES]


def _plain(part: str) -> str:
    return _ATTACHMENT.sub("*", part)


@lru_cache(maxsize=100_000)
def _heavy_atoms(part: str) -> int:
    return Chem.MolFromSmiles(part).GetNumHeavyAtoms()
