"""Filters by name: rules on properties, and catalogues of unwanted substructures."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from sciml.config import nearest
from sciml.errors import InputError

if TYPE_CHECKING:
    from rdkit.Chem import Mol
    from rdkit.Chem.FilterCatalog import FilterCatalog

CATALOGS = {  # name: RDKit's name, and ours for readers
    "brenk": ("BRENK", "Brenk"),
    "nih": ("NIH", "NIH"),
    "pains": ("PAINS", "PAINS"),
    "pains_a": ("PAINS_A", "PAINS"),
    "pains_b": ("PAINS_B", "PAINS"),
    "pains_c": ("PAINS_C", "PAINS"),
    "chembl": ("CHEMBL", "ChEMBL"),
    "chembl_bms": ("CHEMBL_BMS", "BMS"),
    "chembl_dundee": ("CHEMBL_Dundee", "Dundee"),
    "chembl_glaxo": ("CHEMBL_Glaxo", "Glaxo"),
    "chembl_inpharmatica": ("CHEMBL_Inpharmatica", "Inpharmatica"),
    "chembl_lint": ("CHEMBL_LINT", "LINT"),
    "chembl_mlsmr": ("CHEMBL_MLSMR", "MLSMR"),
    "chembl_surechembl": ("CHEMBL_SureChEMBL", "SureChEMBL"),
}
FLAGS = ("pains", "brenk")  # shown unless others are asked for
PATTERN_COUNT = re.compile(r"\(\d+\)$")  # PAINS names end in how many compounds matched once


def lipinski(molecule: "Mol") -> list[str]:
    """The rule of five (Lipinski et al. 1997), broken by two excesses or more.

    Over 500 g/mol, Crippen log P over 5, more than 5 N-H and O-H, more than 10 N and O.
    """
    from rdkit.Chem import Descriptors, rdMolDescriptors

    excesses = {
        "MW": Descriptors.MolWt(molecule) > 500,  # type: ignore[attr-defined]
        "logP": rdMolDescriptors.CalcCrippenDescriptors(molecule)[0] > 5,
        "HBD": rdMolDescriptors.CalcNumLipinskiHBD(molecule) > 5,
        "HBA": rdMolDescriptors.CalcNumLipinskiHBA(molecule) > 10,
    }
    found = [name for name, excess in excesses.items() if excess]
    return [f"Lipinski {', '.join(found)}"] if len(found) > 1 else []


def veber(molecule: "Mol") -> list[str]:
    """Oral bioavailability after Veber et al. 2002: over 10 rotatable bonds, or 140 Å² TPSA."""
    from rdkit.Chem import rdMolDescriptors

    excesses = {
        "rotatable bonds": rdMolDescriptors.CalcNumRotatableBonds(molecule) > 10,
        "TPSA": rdMolDescriptors.CalcTPSA(molecule) > 140,
    }
    return [f"Veber {name}" for name, excess in excesses.items() if excess]


RULES: dict[str, Callable[["Mol"], list[str]]] = {"lipinski": lipinski, "veber": veber}
NAMES = (*RULES, *CATALOGS)


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names in small letters, each once.

    Raises:
        InputError: no such filter.
    """
    small = tuple(dict.fromkeys(name.lower().replace("-", "_") for name in names))
    for name in small:
        if name not in NAMES:
            hint = nearest(name, NAMES) or f"; there are {', '.join(NAMES)}"
            raise InputError(f"no filter is called {name!r}{hint}")
    return small


def alerts(molecule: "Mol", names: Sequence[str]) -> tuple[str, ...]:
    """What a molecule is flagged for, e.g. `PAINS quinone A`, `Lipinski MW, logP`.

    Args:
        molecule: sanitized.
        names: of filters, each in `NAMES`; PAINS costs some 2 ms, others 0.2 ms.
    """
    found: list[str] = []
    for name in names:
        if name in RULES:
            found += RULES[name](molecule)
        else:
            matches = _catalog(name).GetMatches(molecule)
            found += [_label(name, match.GetDescription()) for match in matches]
    return tuple(dict.fromkeys(found))


def first_alert(molecule: "Mol", names: Sequence[str]) -> str:
    """The first thing that a molecule is flagged for; empty if it passes every filter."""
    for name in sorted(names, key=NAMES.index):  # the quickest first
        if name in RULES:
            found = RULES[name](molecule)
        else:
            match = _catalog(name).GetFirstMatch(molecule)
            found = [_label(name, match.GetDescription())] if match else []
        if found:
            return found[0]
    return ""


def _label(name: str, description: str) -> str:
    return f"{CATALOGS[name][1]} {PATTERN_COUNT.sub('', description).replace('_', ' ').strip()}"


@cache
def _catalog(name: str) -> "FilterCatalog":
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

    kind = getattr(FilterCatalogParams.FilterCatalogs, CATALOGS[name][0])
    return FilterCatalog(FilterCatalogParams(kind))
