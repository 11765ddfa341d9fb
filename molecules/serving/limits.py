"""How much a service takes on."""

from collections.abc import Sequence

from pydantic import Field

from sciml.config import Config


class Limits(Config):
    """What is refused, with a status that says so.

    Attributes:
        molecules: in one request; more are answered with 413.
        smiles: characters of one SMILES; a longer one gets a status of its own.
        work: sum of the squares of the lengths of all SMILES in one request; more is answered
            with 413. Descriptors take about 1 µs for each, so that 10,000 SMILES of 100 characters,
            or 123 of 900, keep one core busy for up to two minutes.
        request_bytes: of one request; more are answered with 413.
        waiting: molecules of all requests that wait together; beyond, 503, unless there is only
            one.
        batch: molecules computed together, from as many requests as wait.
    """

    molecules: int = Field(10_000, ge=1)
    smiles: int = Field(5_000, ge=1)
    work: int = Field(100_000_000, ge=1)
    request_bytes: int = Field(10_000_000, ge=1)
    waiting: int = Field(100_000, ge=1)
    batch: int = Field(1024, ge=1)

    def exceeded(self, smiles: Sequence[str | None]) -> str:
        """What is too much of one request; empty if nothing is."""
        if len(smiles) > self.molecules:
            return f"{len(smiles)} molecules in one request; send at most {self.molecules}"
        lengths = [len(text) for text in smiles if text is not None]
        work = sum(length**2 for length in lengths if length <= self.smiles)
        if work > self.work:
            return (
                f"the squares of the lengths of all SMILES sum to {work}; send at most "
                f"{self.work} in one request"
            )
        return ""
