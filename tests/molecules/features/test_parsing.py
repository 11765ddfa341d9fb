"""Reading only what a graph shows gives the graph of RDKit's whole reading."""

import random

import numpy as np
import pytest
from rdkit import Chem, rdBase

from molecules.features.features import featurize
from molecules.features.parsing import parse
from molecules.files.table import demo_library

HARD = [
    "Cl.N=C(N)NCCCNC(=O)c1cccc(CNC(=O)c2cc3c(c4c2[nH]c2ccc(O)cc[N+]24)C(=O)NC3=O)c1",  # radical
    "C[CH2]",
    "CN(=O)=O",
    "[NH3]->[Pt](<-[NH3])(Cl)Cl",
    "c1ccn2->[Cu]<-n3ccccc3-c2c1",
    "CC[Mg]Br",
    "[H]O[H]",
    "[2H]C([2H])([2H])O",
    "[H]/N=C(/C)CC",
    "C[C@H]1CC[C@@H](C)CC1",
    "C[C@@H](O)[C@H](O)/C=C/C=C\\C",
    "CC(C)=C/C",
    "C1=C/CCCCCC/1",
    "CC(C)(C)c1cccc(C)c1-c1c(C)cccc1C(C)(C)C |wU:10.11|",
    "C[C@H](F)Cl |&1:1|",
    "C[S@](=O)c1ccccc1",
    "O=c1[nH]c2ccccc2[se]1",
    "C1CC1C1CC1-c1ccc(C2CC2)cc1",
    "B1(O)OCC~CO1",
    "*c1ccccc1*",
]
PIECES = [
    "",
    "=",
    "[O-]",
    "[nH]",
    "[N+]",
    "/C=C/",
    "[C@@H](F)",
    "[2H]",
    "[Fe]",
    "N(=O)=O",
    "(",
    "1",
]


def same_graphs(smiles: list[str]) -> None:
    with rdBase.BlockLogs():
        whole = [Chem.MolFromSmiles(text) for text in smiles]
    usable = [text for text, mol in zip(smiles, whole, strict=True) if mol is not None]
    found = featurize(smiles)
    assert [status == "ok" for status in found.status] == [mol is not None for mol in whole]
    expected = featurize([mol for mol in whole if mol is not None]).packed
    for name, array in vars(featurize(usable).packed).items():
        np.testing.assert_array_equal(array, getattr(expected, name))


@pytest.mark.parametrize("smiles", HARD)
def test_hard_molecules(smiles: str) -> None:
    assert parse(smiles) is not None
    same_graphs([smiles])


def test_damaged_and_odd_smiles() -> None:
    draw = random.Random(0)
    lines = demo_library().read_text(encoding="utf-8").splitlines()[1::16]
    texts = []
    for text in (line.split()[0] for line in lines):
        place = draw.randrange(len(text))
        texts.append(text[:place] + draw.choice(PIECES) + text[place + draw.randrange(2) :])
    same_graphs(texts)
