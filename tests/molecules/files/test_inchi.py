"""Tables of InChI are read as if the SMILES of their molecules stood there."""

from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem

from molecules.files.inchi import as_smiles, is_inchi
from molecules.files.table import read_table

# as drawn: amides, lactams (also in aromatic rings), thioamides, amino-heteroaromatics, stereo,
# charges, salts
DRAWN = [
    "CCO",
    "CC(=O)Nc1ccccc1",
    "O=C1CCCN1",
    "CNC(N)=S",
    "O=c1cc[nH]c(=O)[nH]1",
    "O=c1cccc[nH]1",
    "Cc1ccc[nH]c1=O",
    "Cc1cccc(=O)[nH]1",
    "Cc1ccc(=O)[nH]c1",
    "Cc1cc[nH]c(=O)c1",
    "N#Cc1ccc[nH]c1=O",
    "O=c1cccc(Cl)[nH]1",
    "O=c1cccn[nH]1",
    "O=c1[nH]cnc2ccccc12",
    "S=c1cccc[nH]1",
    "CNc1ncccn1",
    "CCNc1nc(N)nc(NC(C)C)n1",
    "C[C@H](N)C(=O)N[C@@H](C)C(=O)O",
    "F/C=C/Cl",
    "C[N+](C)(C)CC(=O)[O-]",
    "CC(C)NCC(O)c1ccccc1.Cl",
    "[2H]C([2H])([2H])O",
]
ETHANOL, METHANE = "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", "InChI=1S/CH4/h1H4"


def inchi(smiles: str) -> str:
    return str(Chem.MolToInchi(Chem.MolFromSmiles(smiles)))


@pytest.mark.parametrize("smiles", DRAWN)
def test_inchi_comes_back_as_the_molecule_that_was_drawn(smiles: str) -> None:
    assert as_smiles([inchi(smiles)]) == [Chem.CanonSmiles(smiles)]


@pytest.mark.parametrize("smiles", ["Oc1ccccn1", "O=c1cccc[nH]1", "CN=C(C)O", "N=c1cccc[nH]1"])
def test_a_fixed_hydrogen_stays_where_it_is_stated(smiles: str) -> None:
    stated = Chem.MolToInchi(Chem.MolFromSmiles(smiles), options="/FixedH")
    assert as_smiles([stated]) == [Chem.CanonSmiles(smiles)]


def test_the_usual_tautomer_is_another_writing_of_the_same_inchi(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "molecules" / "moleculenet" / "Lipophilicity.csv", nrows=400)
    given = [inchi(smiles) for smiles in table["smiles"]]
    read = as_smiles(given)
    assert [inchi(smiles) for smiles in read] == given
    drawn = [Chem.CanonSmiles(smiles) for smiles in table["smiles"]]
    same = sum(a == b for a, b in zip(read, drawn, strict=True)) / len(read)
    by_rdkit = [Chem.MolToSmiles(Chem.MolFromInchi(text)) for text in given]
    without = sum(a == b for a, b in zip(by_rdkit, drawn, strict=True)) / len(read)
    assert same > 0.9 > 0.6 > without


def test_what_is_no_whole_inchi_stays_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    texts = [
        "CCO",
        "ethanol",
        "",
        "InChI=",
        "InChI=1S/C2H6O/c1-2-3/h3H",  # cut at a comma
        "InChI=1S/C2H6O/c1-2-3",  # RDKit would read C2O
        "InChI=1S/C2H6O",
        f"{ETHANOL} ethanol",
        "LFQSCWFLJHTTHZ-UHFFFAOYSA-N",
    ]
    assert as_smiles(texts) == texts
    assert as_smiles([f" {ETHANOL} "]) == ["CCO"]
    assert capfd.readouterr() == ("", "")
    assert [is_inchi(text) for text in texts] == [False] * 3 + [True] * 5 + [False]


def test_no_hydrogen_is_no_reason_to_refuse() -> None:
    smiles = ["FC(F)(F)C(F)(F)F", "ClC#CCl", "[He]", "[C-]#[O+]"]
    assert as_smiles([inchi(text) for text in smiles]) == [Chem.CanonSmiles(t) for t in smiles]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", f'id,InChI,y\na,"{ETHANOL}",1\nb,{METHANE},2\n'),
        ("t.csv", f'"{ETHANOL}",1\n{METHANE},2\n'),
        ("t.tsv", f"{ETHANOL}\t1\n{METHANE}\t2\n"),
        ("t.csv", f"{ETHANOL}\n{METHANE}\n"),
        ("t.csv", f"\ufeff{ETHANOL}\n{METHANE}\n"),
        ("t.csv", f"InChI\n{ETHANOL}\n{METHANE}\n"),
        ("t.csv", f'InChI\n"{ETHANOL}"\n{METHANE}\n'),
        ("t.txt", f"{ETHANOL}\n{METHANE}\n"),
        ("t.inchi", f"InChI\n{ETHANOL}\n{METHANE}\n"),
        ("t.smi", f"{ETHANOL} ethanol, pure\n{METHANE} methane\n"),
        ("t.csv", f'structure;code\n"{ETHANOL}";C\n{METHANE};N\n'),
        ("t.csv", f'code;iupac;standard\nB;ethanol;"{ETHANOL}"\nC;methane;{METHANE}\n'),
        ("t.jsonl", f'{{"InChI": "{ETHANOL}"}}\n{{"InChI": "{METHANE}"}}\n'),
    ],
)
def test_columns_and_lists_of_inchi(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    table = read_table(path)
    assert table.smiles == ["CCO", "C"]
    assert list(table.frame[table.smiles_column]) == [ETHANOL, METHANE]
    assert table.notation == "InChI"


def test_quotes_count_below_an_inchi_without_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for header in ("", "InChI\n"):
        path.write_text(f'{header}{METHANE}\n"{ETHANOL}"\n')
        assert read_table(path).smiles == ["C", "CCO"]


@pytest.mark.parametrize(
    "columns", [("InChI", "SMILES"), ("code", "drawn"), ("InChI", "structure"), ("SMILES", "InChI")]
)
def test_smiles_are_taken_before_inchi(tmp_path: Path, columns: tuple[str, str]) -> None:
    smiles = ["OCC", "OCCC"]
    drawn = ("SMILES", "structure", "drawn")
    cells = {name: smiles if name in drawn else [inchi(s) for s in smiles] for name in columns}
    path = tmp_path / "t.csv"
    pd.DataFrame(cells).to_csv(path, index=False)
    table = read_table(path)
    assert table.smiles == ["OCC", "OCCC"]
    assert table.notation == "SMILES"
    other = next(name for name in columns if name not in drawn)
    assert read_table(path, smiles=other).smiles == ["CCO", "CCCO"]


@pytest.mark.parametrize(
    ("name", "blank", "expected"),
    [("Std. InChI", 1, "Std. InChI"), ("InChI", 3, "solvent"), ("code", 0, "solvent")],
)
def test_a_column_named_inchi_is_taken_before_solvents(
    tmp_path: Path, name: str, blank: int, expected: str
) -> None:
    solvents = ["CCO", "CCCl", "CCO", "CCCl"]
    cells = [inchi(smiles) for smiles in ["CCN", "CCC", "CCS", "CCF"][blank:]] + [""] * blank
    path = tmp_path / "t.csv"
    pd.DataFrame({"solvent": solvents, name: cells}).to_csv(path, index=False)
    assert read_table(path).smiles_column == expected


def test_inchi_among_smiles_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f'smiles\nOCC\n"{ETHANOL}"\nC(\n')
    assert read_table(path).smiles == ["OCC", "CCO", "C("]


def test_a_real_table_without_its_smiles(shared_data: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(shared_data / "molecules" / "admet" / "B3DB_regression.tsv.gz", sep="\t")
    path = tmp_path / "t.csv"
    frame.drop(columns="SMILES").head(200).to_csv(path, index=False)
    table = read_table(path)
    assert table.smiles_column == "Inchi"
    drawn = [Chem.CanonSmiles(smiles) for smiles in frame["SMILES"].head(200)]
    assert sum(a == b for a, b in zip(table.smiles, drawn, strict=True)) > 180
