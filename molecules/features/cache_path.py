"""Where what was computed once is kept: files named by all that decides what is in them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path


def cache_path(
    folder: Path,
    kind: str,
    content: Sequence[object],
    suffix: str = ".safetensors",
    digits: int = 32,
) -> Path:
    """`KIND-HASH.SUFFIX` in a folder.

    Args:
        content: plain data: versions of the programs, choices, SMILES.
        digits: of the hash.
    """
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return folder / f"{kind}-{digest[:digits]}{suffix}"
