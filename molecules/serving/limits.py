"""How much a service takes on."""

from pydantic import Field

from sciml.config import Config


class Limits(Config):
    """What is refused, with a status that says so.

    Attributes:
        molecules: in one request; more are answered with 413.
        smiles: characters of one SMILES; a longer one gets a status of its own.
        request_bytes: of one request; more are answered with 413.
        waiting: molecules of all requests that wait together; beyond, 503.
        batch: molecules computed together, from as many requests as wait.
    """

    molecules: int = Field(10_000, ge=1)
    smiles: int = Field(5_000, ge=1)
    request_bytes: int = Field(10_000_000, ge=1)
    waiting: int = Field(100_000, ge=1)
    batch: int = Field(1024, ge=1)
