"""How good samples are as a whole: distinct, new, varied, and like real molecules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import QED, Descriptors, rdMolDescriptors

from molecules.evaluation.similarity import fingerprints
from molecules.generation.generator import Generator
from molecules.screening.diversity import tanimoto

Array = NDArray[np.float64]
_COMPARED = 2000  # molecules of which every pair is compared

# What distributions are compared in: size, polarity, flexibility, rings, kinds of atoms.
PROPERTIES: dict[str, Callable[[Chem.Mol], float]] = {
    "MolWt": Descriptors.MolWt,  # type: ignore[attr-defined]
    "MolLogP": lambda molecule: rdMolDescriptors.CalcCrippenDescriptors(molecule)[0],
    "MolMR": lambda molecule: rdMolDescriptors.CalcCrippenDescriptors(molecule)[1],
    "TPSA": rdMolDescriptors.CalcTPSA,
    "NumHDonors": rdMolDescriptors.CalcNumHBD,
    "NumHAcceptors": rdMolDescriptors.CalcNumHBA,
    "NumRotatableBonds": rdMolDescriptors.CalcNumRotatableBonds,
    "NumHeteroatoms": rdMolDescriptors.CalcNumHeteroatoms,
    "FractionCSP3": rdMolDescriptors.CalcFractionCSP3,
    "NumAromaticRings": rdMolDescriptors.CalcNumAromaticRings,
    "NumAliphaticRings": rdMolDescriptors.CalcNumAliphaticRings,
    "LabuteASA": rdMolDescriptors.CalcLabuteASA,
    "qed": QED.qed,
}


@dataclass(frozen=True)
class Quality:
    """Shares of 0 to 1, and two measures.

    Attributes:
        samples: how many.
        validity: share that RDKit reads.
        uniqueness: share of distinct ones among these.
        novelty: share of these that are not in the training set.
        diversity: one minus the mean Tanimoto similarity of pairs (IntDiv of Polykovskiy et
            al. 2020, Front. Pharmacol. 11, 565644), Morgan fingerprints of radius 2.
        distance: Fréchet distance to reference molecules in PROPERTIES, see
            `frechet_distance`.
    """

    samples: int
    validity: float
    uniqueness: float
    novelty: float
    diversity: float
    distance: float

    @classmethod
    def of(cls, smiles: Sequence[str], reference: Sequence[str], generator: Generator) -> Self:
        """Quality of samples of a generator, beside molecules like those it learned from."""
        valid = [text for text in smiles if text and Chem.MolFromSmiles(text) is not None]
        distinct = list(dict.fromkeys(valid))
        return cls(
            samples=len(smiles),
            validity=len(valid) / len(smiles),
            uniqueness=len(distinct) / len(valid),
            novelty=1 - float(generator.learned_from(distinct).mean()),
            diversity=internal_diversity(valid),
            distance=frechet_distance(properties(valid), properties(reference)),
        )


def properties(smiles: Sequence[str]) -> Array:
    """(molecule, property) in the order of PROPERTIES, of molecules that RDKit reads."""
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    rows = [[function(molecule) for function in PROPERTIES.values()] for molecule in molecules]
    return np.array(rows, np.float64)


def internal_diversity(smiles: Sequence[str]) -> float:
    """One minus the mean similarity of all pairs of the first molecules."""
    bits = fingerprints(smiles[:_COMPARED])
    similarity = tanimoto(bits, bits)
    return 1 - float(similarity[~np.eye(len(bits), dtype=bool)].mean())


def frechet_distance(values: Array, reference: Array) -> float:
    """Fréchet distance of the Gaussians with the same means and covariances.

    d² = |m - m'|² + tr(C + C' - 2 (C C')^(1/2)) (Dowson and Landau 1982, J. Multivar. Anal.
    12, 450), each property in standard deviations of the reference; what is returned is d².

    Args:
        values, reference: (molecule, property).
    """
    std = reference.std(axis=0)
    std[std == 0] = 1.0
    ours, theirs = values / std, reference / std
    apart = ours.mean(axis=0) - theirs.mean(axis=0)
    one, other = np.cov(ours.T), np.cov(theirs.T)
    # the eigenvalues of C C' are those of a symmetric matrix, and not negative
    roots = np.sqrt(np.linalg.eigvals(one @ other).real.clip(min=0))
    return float(apart @ apart + np.trace(one) + np.trace(other) - 2 * roots.sum())
