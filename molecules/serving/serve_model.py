"""A model file, served until interrupted."""

import socket
from collections.abc import Sequence
from pathlib import Path

from molecules.prediction.model_source import ModelSource
from molecules.serving.limits import Limits
from sciml.errors import InputError


def serve_model(
    model: Path | Sequence[Path], host: str, port: int, molecules: int, batch: int
) -> None:
    """Listen and answer.

    Args:
        model: file that `train` wrote, or several of the same properties.
        host, port: where to listen.
        molecules: at most so many in one request.
        batch: molecules computed together.

    Raises:
        InputError: no such model, FastAPI is not installed, the port is taken, or a limit
            is not positive.
    """
    for name, value in (("molecules", molecules), ("batch", batch)):
        if value < 1:
            raise InputError(f"--{name} is {value}; expected at least 1")
    try:
        import uvicorn

        from molecules.serving.app import make_app
    except ImportError as error:
        raise InputError(
            "serving needs FastAPI and uvicorn: pip install 'sciml-foundation[serve]'"
        ) from error
    with _listen(host, port) as listening:
        app = make_app(ModelSource.of(model).load(), Limits(molecules=molecules, batch=batch))
        print(f"http://{host}:{listening.getsockname()[1]}/docs describes it; Ctrl-C ends it")
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket, bound before the model is loaded."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise InputError(
            f"cannot listen on {host}:{port} ({error}); give another --port"
        ) from error
    return listening
