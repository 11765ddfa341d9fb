"""What a chemist reads about a hit is right."""

import pytest

from molecules.screening.profile import profile


def test_profile_of_aspirin() -> None:
    found = profile("CC(=O)Oc1ccccc1C(=O)O")
    assert found.molecular_weight == pytest.approx(180.159, abs=1e-3)
    assert found.log_p == pytest.approx(1.31, abs=0.01)
    assert found.tpsa == pytest.approx(63.6, abs=0.01)
    assert (found.donors, found.acceptors) == (1, 3)
    assert found.qed == pytest.approx(0.550, abs=1e-3)
    assert found.alerts == ("Brenk phenol ester",)
    assert found.svg.startswith("<svg viewBox=")
    assert found.svg.rstrip().endswith("</svg>")


def test_alerts_name_their_filter() -> None:
    assert "PAINS quinone A" in profile("O=C1C=CC(=O)C=C1").alerts
    assert profile("CCO").alerts == ()


def test_what_is_no_whole_molecule_is_flagged() -> None:
    assert profile("*CCO", []).alerts == ("open end (*)",)
    assert profile("[C]CC", []).alerts == ("radical",)  # a query [#6]CC, as RDKit reads it
    assert profile("CC[O-].[Na+]", []).alerts == ()


@pytest.mark.parametrize("smiles", ["[He]", "[Na+].[Cl-]", "C[Hg]C", "*c1ccccc1", "C" * 300])
def test_odd_molecules_have_a_profile(smiles: str) -> None:
    assert profile(smiles).svg
