"""The command `molecules verify`."""

import sys
from pathlib import Path


def verify(model: Path, table: str = "demo", *, most: int = 300, smiles: str | None = None) -> None:
    """Check that a model predicts the same however molecules are written and given.

    Ends with status 1 if a check fails.

    Args:
        model: the file `model.safetensors` of a training run.
        table: whose molecules to ask for, as of `predict`.
        most: how many molecules.
        smiles: column with the SMILES or InChI; found by its name or content if left out.
    """
    from molecules.prediction.verify import TOLERANCE
    from molecules.prediction.verify import verify as check

    checks = check(model, table, most, smiles)
    for one in checks:
        print(
            f"{'passed' if one.passed else 'FAILED':7} {one.name:16} {one.compared:6,} compared, ",
            end="",
        )
        print(
            f"largest difference {one.deviation:.1e}" + ("" if one.passed else f"  {one.example}")
        )
    print(f"differences in standard deviations of the measured values; allowed: {TOLERANCE:.0e}")
    if not all(one.passed for one in checks):
        sys.exit(1)
