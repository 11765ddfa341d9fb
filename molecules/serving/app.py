"""The service: `POST /predict`, `GET /model`, `GET /health`."""

import json
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, FailFast

from molecules.prediction.calibration import LEVEL
from molecules.prediction.ensemble import AnyPredictor, each
from molecules.prediction.prediction import Prediction
from molecules.serving.batcher import Batcher, Busy, Row
from molecules.serving.body_limit import BodyLimit
from molecules.serving.limits import Limits
from sciml.errors import InputError

FIELDS = ("smiles", "status", "reason", "similarity_to_train", "distance_to_train")  # of a row


class Answer(JSONResponse):
    """JSON in ASCII, which also gives back half a character that a client sent."""

    def render(self, content: Any) -> bytes:
        """As starlette does, but for the characters."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Molecules(BaseModel):
    """What a client sends: SMILES, null where there is none."""

    smiles: Annotated[list[str | None], FailFast()]


def make_app(predictor: AnyPredictor, limits: Limits | None = None) -> FastAPI:
    """The service of one model.

    A SMILES that cannot be used gets a row with its status and reason; the others are
    served. A row holds `smiles`, `status`, `reason`, for each property `pred`, `lower`,
    `upper` (null where unbounded) and where there is one `std` or `set`, for one of several
    classes also the most probable class with the list `set`, and nearness to the training set.

    Args:
        predictor: the model.
        limits: see `Limits`.

    Raises:
        InputError: a property is named as a field that every row has.
    """
    _require_own_names(predictor)
    limits = limits or Limits()
    batcher = Batcher(
        lambda smiles: predicted(predictor, smiles, limits), limits.batch, limits.waiting
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        batcher.close()

    app = FastAPI(
        title="molecules", description=", ".join(predictor.tasks.names), lifespan=lifespan
    )

    app.add_middleware(BodyLimit, most=limits.request_bytes)

    @app.post("/predict")
    async def predict(molecules: Molecules) -> JSONResponse:
        if too_much := limits.exceeded(molecules.smiles):
            raise HTTPException(413, too_much)
        try:
            rows = await batcher.rows(molecules.smiles)
        except Busy:
            raise HTTPException(
                503, "too many molecules wait; try again soon", {"Retry-After": "5"}
            ) from None
        return Answer({"predictions": rows})

    @app.exception_handler(RequestValidationError)
    async def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
        told = [{key: one[key] for key in ("type", "loc", "msg")} for one in error.errors()]
        return Answer({"detail": told}, 422)

    @app.get("/model")
    async def model() -> JSONResponse:
        return Answer(facts(predictor) | {"limits": limits.model_dump()})

    @app.get("/", include_in_schema=False)
    async def start() -> RedirectResponse:
        return RedirectResponse("/docs")

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok", "waiting": batcher.waiting})

    return app


def _require_own_names(predictor: AnyPredictor) -> None:
    for task in predictor.tasks.tasks:
        name = task.of or task.name
        if name in FIELDS:
            raise InputError(
                f"the model predicts {name!r}, which every row of an answer has as a field of "
                f"its own ({', '.join(FIELDS)}); train it under another name"
            )


def predicted(predictor: AnyPredictor, smiles: Sequence[str | None], limits: Limits) -> list[Row]:
    """One row for each SMILES."""
    long = {i for i, text in enumerate(smiles) if text is not None and len(text) > limits.smiles}
    told = predictor.predict([None if i in long else text for i, text in enumerate(smiles)])
    worded = _worded(told)
    rows = [_row(told, worded, i) for i in range(len(told))]
    for i in long:
        reason = f"{len(smiles[i] or '')} characters; send at most {limits.smiles}"
        rows[i] |= {"smiles": smiles[i], "status": "too_large", "reason": reason}
    return rows


def facts(predictor: AnyPredictor) -> dict[str, Any]:
    """What a client should know of a model."""
    return {
        "tasks": [task.model_dump() for task in predictor.tasks.tasks],
        "members": sum(one.config.members for one in each(predictor)),
        "interval": LEVEL,
        **{
            k: predictor.metadata[k] for k in ("table", "rows", "scores") if k in predictor.metadata
        },
    }


def _worded(told: Prediction) -> dict[str, list[Row]]:
    """Property -> what each row says of it in words: its set, and of several classes which."""
    worded: dict[str, list[Row]] = {
        task.name: [{"set": held} for held in told.yes_no_sets(column)]
        for column, task in enumerate(told.tasks.tasks)
        if task.kind == "binary" and not task.of
    }
    sets = told.class_sets()
    for name, chosen in told.most_probable().items():
        both = zip(chosen, sets[name], strict=True)
        worded[name] = [{"pred": label, "set": held} for label, held in both]
    return worded


def _row(told: Prediction, worded: dict[str, list[Row]], i: int) -> Row:
    row: Row = {"smiles": told.smiles[i], "status": told.status[i], "reason": told.reason[i]}
    if told.status[i] != "ok":
        return row
    for column, task in enumerate(told.tasks.tasks):
        values = {"pred": told.mean, "lower": told.lower, "upper": told.upper, "std": told.spread}
        row[task.name] = {
            name: _number(part[i, column]) for name, part in values.items() if part is not None
        }
    for name, said in worded.items():
        row[name] = row.get(name, {}) | said[i]
    for name, near in (("similarity", told.similarity), ("distance", told.distance)):
        if near is not None:
            row[f"{name}_to_train"] = _number(near[i])
    return row


def _number(value: float) -> float | None:
    """As JSON has it: null for what is not finite; the digits a model resolves."""
    return float(f"{value:.7g}") if math.isfinite(value) else None
