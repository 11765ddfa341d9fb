"""Arrays in a `.safetensors` file, mapped into memory: read where they are touched."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {"U8": np.uint8, "U16": np.uint16, "I64": np.int64, "F32": np.float32}


def map_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays by name, read-only, and the metadata of the file.

    Raises:
        OSError, ValueError, KeyError, struct.error: it is not there, or not whole.
    """
    content = np.memmap(path, np.uint8, "r")
    (length,) = struct.unpack("<Q", bytes(content[:8]))
    header: dict[str, Any] = json.loads(bytes(content[8 : 8 + length]))
    metadata = header.pop("__metadata__", {})
    return {name: _array(content, 8 + length, entry) for name, entry in header.items()}, metadata


def _array(content: NDArray[np.uint8], base: int, entry: dict[str, Any]) -> NDArray[Any]:
    first, last = (base + offset for offset in entry["data_offsets"])
    if last > len(content):
        raise ValueError("the file is cut short")
    return content[first:last].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
