"""The featurizer of this package, and its RDKit's parser."""

import sys
from pathlib import Path

import rdkit
from protocol import serve
from rdkit import Chem, rdBase

from molecules.features.features import featurize

smiles = Path(sys.argv[1]).read_text(encoding="utf-8").split()


def parse() -> None:
    """RDKit's own parser."""
    with rdBase.BlockLogs():
        for text in smiles:
            Chem.MolFromSmiles(text)


serve(
    {"model": f"ours, RDKit {rdkit.__version__}", "samples": len(smiles)},
    {"parse": parse, "featurize": lambda: featurize(smiles)},
)
