"""cuik-molmaker's C++ featurizer with chemprop's features, and its RDKit's parser."""

import sys
from pathlib import Path

import cuik_molmaker as cuik
import rdkit
from protocol import serve
from rdkit import Chem, rdBase

BATCH = 128

smiles = Path(sys.argv[1]).read_text(encoding="utf-8").split()
atom_codes = cuik.atom_onehot_feature_names_to_array(
    ["atomic-number-common", "total-degree", "formal-charge", "chirality", "num-hydrogens",
     "hybridization-expanded"]
)  # fmt: skip
atom_values = cuik.atom_float_feature_names_to_array(["aromatic", "mass"])
bond_codes = cuik.bond_feature_names_to_array(
    ["is-null", "bond-type-onehot", "conjugated", "in-ring", "stereo"]
)


def parse() -> None:
    """RDKit's own parser."""
    with rdBase.BlockLogs():
        for text in smiles:
            Chem.MolFromSmiles(text)


def featurize() -> None:
    """Graphs of all molecules, in batches; bonds in both directions."""
    for first in range(0, len(smiles), BATCH):
        cuik.batch_mol_featurizer(
            smiles[first : first + BATCH], atom_codes, atom_values, bond_codes,
            False, False, True, False,
        )  # fmt: skip


serve(
    {"model": f"cuik-molmaker, RDKit {rdkit.__version__}", "samples": len(smiles)},
    {"parse": parse, "featurize": featurize},
)
