"""Every row gets a status, and codes say what RDKit says."""

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem, rdBase
from rdkit.Chem import rdFingerprintGenerator

from molecules.features.encoding import ATOM_FIELDS, BOND_FIELDS
from molecules.features.features import featurize
from molecules.features.standardize import standardized
from molecules.files.inchi import is_inchi
from molecules.packed import Packed

ORDERS = {
    Chem.BondType.SINGLE: 0,
    Chem.BondType.DATIVE: 0,
    Chem.BondType.DOUBLE: 1,
    Chem.BondType.TRIPLE: 2,
    Chem.BondType.AROMATIC: 3,
    Chem.BondType.UNSPECIFIED: 5,
}
SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)[O-]",
    "F/C=C/F",
    "F/C=C\\F",
    "[Na+].[Cl-]",
    "[13CH4]",
    "C#N",
    "*c1ccccc1-c1ccccc1",
    "[H][H]",
    "C1CC2CCC1C2",
    "[Og]",
    "[NH3]->[Pt](Cl)(Cl)<-[NH3]",
    "C~C",
]


@pytest.mark.parametrize("broken", ["\ud800", "CC\udfffO", "InChI=1S/\ud800"])
def test_half_a_character_is_a_row_with_a_status(broken: str) -> None:
    found = featurize(["CCO", broken, "CCO"])
    assert found.rows.tolist() == [0, 2]
    assert found.status[1].startswith("invalid_")
    assert found.reason[1]


@pytest.mark.parametrize("smiles", SMILES)
def test_codes_are_what_rdkit_says(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    packed = featurize([smiles]).packed
    columns = dict(zip(ATOM_FIELDS, packed.atoms.T, strict=True))
    atoms = list(mol.GetAtoms())
    assert columns["atomic_number"].tolist() == [a.GetAtomicNum() for a in atoms]
    assert columns["formal_charge"].tolist() == [a.GetFormalCharge() + 4 for a in atoms]
    assert columns["hydrogens"].tolist() == [a.GetTotalNumHs() for a in atoms]
    assert columns["ring"].tolist() == [a.IsInRing() for a in atoms]
    assert columns["aromatic"].tolist() == [a.GetIsAromatic() for a in atoms]
    assert columns["degree"].tolist() == [a.GetDegree() for a in atoms]
    assert columns["chirality"].tolist() == [
        {"R": 1, "S": 2}[a.GetProp("_CIPCode")] if a.HasProp("_CIPCode") else 0 for a in atoms
    ]
    ends = list(zip(packed.senders.tolist(), packed.receivers.tolist(), strict=True))
    assert len(ends) == 2 * mol.GetNumBonds()
    assert ends == sorted(ends, key=lambda pair: pair[::-1])
    for (sender, receiver), codes in zip(ends, packed.bonds, strict=True):
        bond = mol.GetBondBetweenAtoms(sender, receiver)
        stereo = {"STEREOE": 1, "STEREOZ": 2}.get(str(bond.GetStereo()), 0)
        assert codes.tolist() == [ORDERS[bond.GetBondType()], bond.IsInRing(), stereo]


@pytest.mark.parametrize(
    ("cis", "trans"),
    [
        ("N[C@H]1CC[C@@H](O)CC1", "N[C@H]1CC[C@H](O)CC1"),
        ("C[C@H]1CC[C@@H](C)CC1", "C[C@H]1CC[C@H](C)CC1"),
        ("O[C@H]1C[C@@H](N)C1", "O[C@H]1C[C@H](N)C1"),
        ("C[C@H](O)[C@H](F)[C@@H](C)O", "C[C@H](O)[C@@H](F)[C@@H](C)O"),
    ],
)
def test_diastereomers_differ_however_they_are_written(cis: str, trans: str) -> None:
    def labels(smiles: str) -> set[tuple[int, ...]]:
        mol, spelt = Chem.MolFromSmiles(smiles), set()
        for seed in range(10):
            rdBase.SeedRandomNumberGenerator(seed)
            packed = featurize([Chem.MolToSmiles(mol, doRandom=True)]).packed
            spelt.add(tuple(sorted(packed.atoms[:, list(ATOM_FIELDS).index("chirality")])))
        return spelt

    assert len(labels(cis)) == len(labels(trans)) == 1
    assert labels(cis) != labels(trans)


def test_what_is_too_symmetrical_to_label_is_read_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molecules.features.encoding._COMPARISONS", 1)
    found = featurize(["C[C@H]1CC[C@H](C)CC1"])
    assert found.status == ["ok"]
    assert not found.packed.atoms[:, list(ATOM_FIELDS).index("chirality")].any()


def test_every_row_gets_a_status() -> None:
    rows = ["C", "", None, "C1CC", "C(C)(C)(C)(C)C", "  ", "c1ccccc1", "C" * 300, Chem.Mol()]
    result = featurize(rows, max_atoms=200)
    assert result.status == [
        "ok",
        "empty",
        "empty",
        "invalid_smiles",
        "invalid_smiles",
        "empty",
        "ok",
        "too_large",
        "no_atoms",
    ]
    assert result.rows.tolist() == [0, 6]
    assert "valence" in result.reason[4]
    assert "300 atoms" in result.reason[7]
    assert all(
        bool(why) == (state != "ok")
        for why, state in zip(result.reason, result.status, strict=True)
    )


@pytest.mark.parametrize("text", ["\u0421\u0421O", "CC\u041e", "\u039fCC", "C\u0421C", "\u0421"])
def test_letters_of_other_alphabets_are_told(text: str) -> None:
    found = featurize([text])
    assert found.status == ["invalid_smiles"]
    assert "which is no letter of SMILES" in found.reason[0]
    for kind in ("off", "salts", "tautomer"):
        assert featurize(standardized([text], kind)).status == ["invalid_smiles"]


def test_what_is_not_seen_at_an_end_changes_nothing() -> None:
    found = featurize(
        ["\ufeffCCO", "CCO\u200b", "\xa0CCO ", "CCO |$a;b;\u03b2$|", "CCO \u00e9thanol"]
    )
    assert found.status == ["ok"] * 5
    assert found.reason == [""] * 5
    assert np.diff(found.packed.atom_start).tolist() == [3] * 5


def test_a_molecule_behind_a_blank_is_told() -> None:
    found = featurize(["CC(=O) Oc1ccccc1C(=O)O", "CCO ethanol", "CCO |$a;b;c$|", "CCO CO"])
    assert found.status == ["ok"] * 4
    assert found.reason == ["read up to the blank, without 'Oc1ccccc1C(=O)O' behind it", "", "", ""]


def test_other_forms_are_named_with_the_way_out() -> None:
    key = Chem.MolToInchiKey(Chem.MolFromSmiles("CCO"))
    found = featurize([" InChI=1S/C2H6O/c1-2-3/h3H", key, "[InH3]", "aspirin"])
    assert found.status == ["invalid_inchi", "invalid_smiles", "ok", "invalid_smiles"]
    assert "cannot be read as InChI" in found.reason[0]
    assert "InChIKey" in found.reason[1]
    assert found.reason[3] == "cannot be parsed as SMILES"


def test_inchi_is_read_as_its_smiles() -> None:
    drawn = "C[C@H](N)C(=O)NC"
    found = featurize([f" {Chem.MolToInchi(Chem.MolFromSmiles(drawn))} "])
    expected = featurize([Chem.CanonSmiles(drawn)])
    assert found.status == ["ok"]
    np.testing.assert_array_equal(found.packed.atoms, expected.packed.atoms)
    np.testing.assert_array_equal(found.packed.bonds, expected.packed.bonds)


def test_nothing_usable_is_not_an_error() -> None:
    assert len(featurize([]).packed) == len(featurize(["", "?"]).packed) == 0


@pytest.mark.parametrize("cells", [1, 100, 10**9])
def test_chunks_do_not_matter(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molecules.features.features._CELLS", cells)
    many = featurize(SMILES * 40).packed
    one = Packed.join([featurize([smiles]).packed for smiles in SMILES * 40])
    for name in vars(many):
        np.testing.assert_array_equal(getattr(many, name), getattr(one, name))


def test_large_molecules_take_no_more_memory_for_being_many() -> None:
    tracemalloc.start()
    featurize(["C" * 300] * 128)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


def test_isotopes_are_not_seen_whatever_stands_beside() -> None:
    """RDKit's invariant of 13C and of carbon is the same, that of 125I and of iodine is not."""
    labelled, plain = ["[13CH3]CO", "CC[125I]"], ["CCO", "CCI"]
    expected = featurize(plain).packed
    for texts in ([*labelled, *plain], [*plain, *labelled]):
        found = featurize(texts).packed
        for part in (slice(0, 6), slice(6, 12)):
            np.testing.assert_array_equal(found.atoms[part], expected.atoms)


def test_molecules_are_taken_as_smiles_are() -> None:
    by_name = featurize(SMILES).packed
    by_molecule = featurize([Chem.MolFromSmiles(smiles) for smiles in SMILES]).packed
    for name in vars(by_name):
        np.testing.assert_array_equal(getattr(by_name, name), getattr(by_molecule, name))


def test_codes_stay_below_their_number() -> None:
    odd = ["[Fe+6]", "[CH5-5]", "S(F)(F)(F)(F)(F)F", "[NH3]->[Pt](<-[NH3])(Cl)Cl", "[Lv]"]
    with rdBase.BlockLogs():
        packed = featurize(odd).packed
    assert (packed.atoms.max(axis=0) < list(ATOM_FIELDS.values())).all()
    assert (packed.bonds.max(axis=0) < list(BOND_FIELDS.values())).all()


def test_fingerprints_are_counts() -> None:
    result = featurize(["CCCC", "bad", "c1ccccc1"], with_fingerprints=True)
    assert result.fingerprints is not None
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    for row, smiles in zip(result.fingerprints, ["CCCC", "c1ccccc1"], strict=True):
        counts = generator.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(smiles))
        np.testing.assert_array_equal(row, counts)
    assert featurize(["C"]).fingerprints is None


def test_blank_cells_are_empty_whatever_stands_in_them() -> None:
    blanks = ["", " ", None, "NA", "n/a", "nan", "None", "-"]
    assert set(featurize(blanks).status) == {"empty"}
    assert featurize(["N", "[Na]"]).status == ["ok", "ok"]


def test_dirty_table_is_survived(shared_data: Path) -> None:
    folder = shared_data / "molecules" / "dirty"
    table = pd.read_csv(folder / "dirty_input.csv", dtype=str, keep_default_na=False)
    expected = pd.read_csv(folder / "dirty_expected.csv", dtype=str, keep_default_na=False)
    result = featurize(table["SMILES"], max_atoms=3000)
    assert len(result.status) == len(table)
    column = next(name for name in expected.columns if "parse" in name.lower())
    parses = expected[column].str.lower().isin(["true", "1", "yes"])
    several_lines = table["SMILES"].str.strip().str.contains("\n")  # RDKit reads the first
    parses = ((parses | table["SMILES"].map(is_inchi)) & ~several_lines).to_numpy()
    usable = np.array([status == "ok" for status in result.status])
    blank = np.array([status in ("empty", "no_atoms") for status in result.status])
    assert (usable == parses)[~blank].all()
    sizes = result.packed.atom_start[1:] - result.packed.atom_start[:-1]
    sparse = sum(getattr(result.packed, n).nbytes for n in vars(result.packed)) / sizes.sum()
    assert sparse < 40  # bytes per atom: a drug-like molecule of 30 takes about 1 KB
