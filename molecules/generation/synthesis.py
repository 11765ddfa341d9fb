"""How hard a molecule is to make, as far as its fragments tell."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

from rdkit import Chem, RDConfig

from sciml.errors import InputError

_EASIEST, _HARDEST = 1.0, 10.0


def synthetic_accessibility(molecule: Chem.Mol) -> float:
    """SA score, 1 (easy) to 10 (Ertl and Schuffenhauer 2009, J. Cheminf. 1, 8).

    The program and its table of fragments come with RDKit, in `Contrib/SA_Score`.

    Raises:
        InputError: this RDKit was installed without them.
    """
    return float(_sascorer().calculateScore(molecule))


def check_hardest(score: float) -> None:
    """Raise InputError for a largest SA score outside the scores that there are."""
    if not _EASIEST <= score <= _HARDEST:
        raise InputError(
            f"--max-sa is {score:g}; expected {_EASIEST:g} (easy to make) to {_HARDEST:g}"
        )


@cache
def _sascorer() -> ModuleType:
    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    spec = importlib.util.spec_from_file_location("sascorer", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"no SA score: {path} is not there; install RDKit from PyPI")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
