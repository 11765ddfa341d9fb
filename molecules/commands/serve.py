"""The command `molecules serve`."""

from pathlib import Path


def serve(
    model: Path,
    *more: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    molecules: int = 10_000,
    batch: int = 1024,
) -> None:
    """Answer predictions over HTTP: POST /predict, GET /model, GET /health.

    A SMILES that cannot be used gets a status and a reason; the rest is served.

    Args:
        model: the file `model.safetensors` of a training run.
        more: of the same properties; the answers are then those of `predict` of several.
        host: address to listen on; 0.0.0.0 for all, which the network can then reach.
        port: to listen on.
        molecules: at most so many in one request.
        batch: molecules of waiting requests that are computed together.
    """
    from molecules.serving.serve_model import serve_model

    serve_model([model, *more], host, port, molecules, batch)
