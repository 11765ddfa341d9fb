"""Filters say what their papers say, and what RDKit's catalogues say."""

import pytest
from rdkit import Chem

from molecules.screening.filters import NAMES, alerts, check_names, first_alert
from sciml.errors import InputError


def flagged(smiles: str, *names: str) -> tuple[str, ...]:
    return alerts(Chem.MolFromSmiles(smiles), names)


def test_rules() -> None:
    assert flagged("C" * 10, "lipinski", "veber") == ()
    assert flagged("C" * 40, "lipinski") == ("Lipinski MW, logP",)  # 563 g/mol
    assert flagged("C" * 20, "lipinski") == ()  # one excess is allowed
    assert flagged("C" * 20, "veber") == ("Veber rotatable bonds",)
    assert flagged("OC(=O)CC(O)(CC(=O)O)C(=O)O", "veber") == ()  # citric acid, 132.1 Å²
    assert flagged("NC(=O)C(C(N)=O)(C(N)=O)C(N)=O", "veber") == ("Veber TPSA",)  # 4 x 43.1 Å²


def test_families_of_pains() -> None:
    quinone = "O=C1C=CC(=O)C=C1"
    assert "PAINS quinone A" in flagged(quinone, "pains_a")
    assert not flagged(quinone, "pains_b", "pains_c")
    assert flagged(quinone, "pains", "pains_a") == flagged(quinone, "pains")


@pytest.mark.parametrize("name", NAMES)
def test_every_filter_flags_something(name: str) -> None:
    bad = ["O=C1C=CC(=O)C=C1", "[O-][N+](=O)c1ccc(N=Nc2ccccc2)cc1C(=O)Cl", "C" * 40,
           "c1ccc2c(c1)C(=O)C(=CN(C)C)C2=O", "CN(C)c1ccc(C=C2SC(=S)NC2=O)cc1",
           "O=C1CCCN1c1ccc(cc1)C=NNC(N)=S", "CC1=CC(C)=C(C)N1c1ccccc1"]  # fmt: skip
    if not any(flagged(smiles, name) for smiles in bad):
        assert name in ("pains_b", "pains_c")
    for smiles in bad:
        found = flagged(smiles, name)
        assert first_alert(Chem.MolFromSmiles(smiles), [name]) == (found[0] if found else "")


def test_names() -> None:
    assert check_names(["PAINS", "pains", "ChEMBL-BMS"]) == ("pains", "chembl_bms")
    with pytest.raises(InputError, match="did you mean 'lipinski'"):
        check_names(["lipinsky"])
