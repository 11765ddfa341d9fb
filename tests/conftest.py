"""What every test shares: one thread per process, and the folder of real data when it is there."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

DATA = Path(os.environ.get("SCIML_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets `weather/` and `molecules/` (or `$SCIML_DATA`)."""
    if not DATA.is_dir():
        pytest.skip(f"real data is not here: no folder {DATA} (set SCIML_DATA)")
    return DATA
