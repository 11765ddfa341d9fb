"""What every test shares: one thread per process, and the folder of real data when it is there."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch starts its threads

import torch

torch.set_num_threads(1)

DATA = Path(os.environ.get("SCIML_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets `weather/` and `molecules/` (or `$SCIML_DATA`)."""
    if not DATA.is_dir():
        pytest.skip(f"real data is not here: no folder {DATA} (set SCIML_DATA)")
    return DATA
