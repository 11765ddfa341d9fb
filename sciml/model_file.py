"""One file that holds a model: safetensors, with everything else as JSON in its header.

Nothing is pickled, so a file from a stranger is safe to open, and its header is read
without torch. When the layout changes, FORMAT is raised and `parse_header` learns to
read the old one.
"""

import json
import struct
from collections.abc import Mapping
from importlib import metadata as distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciml.config import C, Config, parse_config
from sciml.errors import InputError
from sciml.files import atomic_path

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
_LONGEST_HEADER = 100 * 2**20  # bytes; the limit that safetensors itself sets


def save_model(
    path: Path | str, model: "nn.Module", kind: str, config: Config, metadata: dict[str, Any]
) -> None:
    """Write weights and buffers of a model, all of its state_dict; see `save_tensors`."""
    save_tensors(path, model.state_dict(), kind, config, metadata)


def save_tensors(
    path: Path | str,
    tensors: Mapping[str, "Tensor"],
    kind: str,
    config: Config,
    metadata: dict[str, Any],
) -> None:
    """Write tensors, configuration and metadata as one file, whole or not at all.

    Args:
        path: the file, by custom `*.safetensors`.
        tensors: by name; those that share memory are stored once each.
        kind: what the file holds, such as `weather.forecaster`.
        config: what builds the model anew.
        metadata: plain JSON: units, training period, scores, licence, ...
    """
    from safetensors.torch import save_file

    stored = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(stored, temporary, metadata={"sciml": make_header(kind, config, metadata)})


def make_header(kind: str, config: Config, metadata: dict[str, Any]) -> str:
    """Everything but the tensors as JSON text; see `save_model`."""
    header = {
        "format": FORMAT,
        "kind": kind,
        "config": config.model_dump(mode="json"),
        "metadata": metadata,
        "versions": {name: distribution.version(name) for name in ("sciml-foundation", "torch")},
    }
    return json.dumps(header, allow_nan=False)


def read_header(path: Path | str) -> dict[str, Any]:
    """Everything but the tensors, without torch: format, kind, config, metadata, versions.

    Raises:
        InputError: missing, not a safetensors file, not one of ours, or of a newer format.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                raise ValueError
            text = json.loads(file.read(length)).get("__metadata__", {}).get("sciml")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a model file") from error
    except (ValueError, struct.error, AttributeError, RecursionError):
        raise InputError(
            f"{path} is not a model file; expected a .safetensors file that `train` wrote"
        ) from None
    if text is None:
        raise InputError(
            f"{path} is a safetensors file of another program; expected one that `train` wrote"
        )
    return parse_header(text, path)


def read_config(config: type[C], path: Path | str, kind: str) -> C:
    """The configuration in the header of a model file; the weights are not read.

    Raises:
        InputError: as `read_header`, or if the file holds another kind of model.
    """
    header = read_header(path)
    require_kind(header, kind, path)
    return parse_config(config, header["config"], str(path))


def read_model_file(
    path: Path | str, kind: str, made_by: str = ""
) -> tuple[dict[str, Any], dict[str, Any], dict[str, "Tensor"]]:
    """Read a model file.

    Args:
        path: of the file.
        kind: that it must hold.
        made_by: the command that writes such files, for the message.

    Returns:
        Configuration and metadata as plain data, and the tensors by name.

    Raises:
        InputError: as `read_header`, or if the file holds another kind of model, or
            is cut short.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header = read_header(path)
    require_kind(header, kind, path, made_by)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path} is damaged ({error}); copy or train it again") from error
    return header["config"], header["metadata"], tensors


def load_state(model: "nn.Module", tensors: dict[str, "Tensor"], path: Path | str) -> None:
    """Put the tensors of a file into the model built from its configuration.

    Raises:
        InputError: if they do not fit, naming what is missing, unknown or misshapen.
    """
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path} does not fit its own configuration: {error}") from error


def parse_header(text: str, path: Path | str) -> dict[str, Any]:
    """What `make_header` wrote.

    Raises:
        InputError: of a newer format, or damaged.
    """
    try:
        header: dict[str, Any] = json.loads(text)
        kinds = {"kind": str, "config": dict, "metadata": dict}
        whole = header.get("format") != FORMAT or all(
            isinstance(header.get(key), kind) for key, kind in kinds.items()
        )
    except (ValueError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise InputError(f"{path} is damaged: its header cannot be read; copy or train it again")
    if header.get("format") != FORMAT:
        raise InputError(
            f"{path} has format {header.get('format')!r}; this version reads format {FORMAT}: "
            "install a matching version of sciml-foundation"
        )
    return header


def require_kind(header: dict[str, Any], kind: str, path: Path | str, made_by: str = "") -> None:
    """Check what a file holds; arguments as of `read_model_file`.

    Raises:
        InputError: it holds another kind of model.
    """
    if header["kind"] != kind:
        where = f": give a file that `{made_by}` wrote" if made_by else ""
        raise InputError(f"{path} holds a {header['kind']}; expected a {kind}{where}")
