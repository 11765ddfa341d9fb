"""The service answers every row, refuses what is too much, and computes requests together."""

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from molecules.cli import app as command
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.tasks import Task, Tasks
from sciml.cli import run
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig

testclient = pytest.importorskip("fastapi.testclient", reason="the extra `serve` is not installed")
from molecules.evaluation.similarity import fingerprints  # noqa: E402
from molecules.serving.app import make_app, predicted  # noqa: E402
from molecules.serving.batcher import Batcher, Busy  # noqa: E402
from molecules.serving.limits import Limits  # noqa: E402

TASKS = Tasks(tasks=(Task(name="logS", unit="log10 mol/L"), Task(name="toxic", kind="binary")))


@pytest.fixture(scope="module")
def predictor() -> PropertyPredictor:
    torch.manual_seed(0)
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16)
    made = PredictorConfig(model=config, tasks=TASKS, members=2)
    members = [PropertyModel(config, TASKS) for _ in range(2)]
    domain = Domain.fit(fingerprints(["CCO"]), np.zeros((1, 64)))
    metadata = {"table": "t.csv", **domain.to_metadata()}
    return PropertyPredictor(made, members, [Calibration(width=1.0), Calibration()], metadata)


@pytest.fixture(scope="module")
def client(predictor: PropertyPredictor) -> Iterator["testclient.TestClient"]:
    limits = Limits(molecules=5, smiles=50, request_bytes=2000, work=5000)
    with testclient.TestClient(make_app(predictor, limits)) as served:
        yield served


def test_every_row_is_answered(
    client: "testclient.TestClient", predictor: PropertyPredictor
) -> None:
    smiles = ["CCO", "C1CC", None, "C" * 60, "c1ccccc1"]
    answer = client.post("/predict", json={"smiles": smiles})
    assert answer.status_code == 200
    rows = answer.json()["predictions"]
    assert [row["smiles"] for row in rows] == smiles
    statuses = ["ok", "invalid_smiles", "empty", "too_large", "ok"]
    assert [row["status"] for row in rows] == statuses
    assert rows[1] == {
        "smiles": "C1CC", "status": "invalid_smiles", "reason": "cannot be parsed as SMILES",
    }  # fmt: skip
    assert "60 characters; send at most 50" in rows[3]["reason"]
    told = predictor.predict(["CCO", "c1ccccc1"])
    for row, i in ((rows[0], 0), (rows[4], 1)):
        for column, task in enumerate(TASKS.names):
            assert row[task]["pred"] == pytest.approx(told.mean[i, column], abs=1e-6)
            assert row[task]["upper"] == pytest.approx(told.upper[i, column], abs=1e-6)
        assert row["toxic"]["set"] == "{0 1}"
        assert row["logS"]["std"] > 0
    assert rows[0]["similarity_to_train"] == 1


@pytest.fixture(scope="module")
def classes() -> PropertyPredictor:
    """A model of a yes/no property and of one of three classes."""
    words = [Task(name=f"phase={word}", kind="binary", of="phase") for word in "sgl"]
    return made_up(Tasks(tasks=(Task(name="toxic", kind="binary"), *words)))


def made_up(tasks: Tasks) -> PropertyPredictor:
    torch.manual_seed(0)
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16)
    made = PredictorConfig(model=config, tasks=tasks, members=1)
    return PropertyPredictor(made, [PropertyModel(config, tasks)])


def test_a_row_does_not_depend_on_its_batch(classes: PropertyPredictor) -> None:
    smiles = ["CCO", "nope", "c1ccccc1", "C"]
    together = predicted(classes, smiles, Limits())
    alone = [predicted(classes, [text], Limits())[0] for text in smiles]
    assert together == alone
    assert together[0]["phase"]["pred"] in "sgl"
    assert set(together[0]["toxic"]) == {"pred", "lower", "upper", "set"}


def test_words_are_found_once_for_all_rows(
    classes: PropertyPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("yes_no_sets", "class_sets", "most_probable"):
        found = getattr(Prediction, name)

        def counted(*given: object, name: str = name, found: Any = found) -> object:
            calls.append(name)
            return found(*given)

        monkeypatch.setattr(Prediction, name, counted)
    predicted(classes, ["CCO"] * 20, Limits())
    assert sorted(calls) == ["class_sets", "most_probable", "yes_no_sets"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"smiles": ["C"] * 6}, 413, "6 molecules in one request; send at most 5"),
        ({"smiles": ["C" * 3000]}, 413, "larger than 2000 bytes"),
        ({"smiles": ["C" * 50, "C" * 50, "CC"]}, 413, "sum to 5004; send at most 5000"),
        ({"smiles": "CCO"}, 422, "list"),
        ({"molecules": ["C"]}, 422, "smiles"),
        ({"smiles": [1.5]}, 422, "string"),
    ],
)
def test_what_is_refused(
    client: "testclient.TestClient", body: dict[str, object], status: int, message: str
) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == status
    assert message in str(answer.json()["detail"])


@pytest.mark.parametrize("cell", ["NaN", "Infinity", "1", '{"a": [2]}'])
def test_a_refusal_is_short_whatever_is_sent(client: "testclient.TestClient", cell: str) -> None:
    body = f'{{"smiles": [{", ".join([cell] * 100)}]}}'
    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert len(answer.content) < 200


@pytest.mark.parametrize("name", ["status", "smiles", "distance_to_train"])
def test_a_property_does_not_take_the_place_of_a_field(name: str) -> None:
    words = [Task(name=f"{name}={word}", kind="binary", of=name) for word in ("yes", "no")]
    for tasks in ([Task(name=name)], words):
        named = made_up(Tasks(tasks=tuple(tasks)))
        with pytest.raises(InputError, match=f"the model predicts '{name}', which every row"):
            make_app(named)


HALF = "\ud800"  # half a character of UTF-16: JSON can say it, UTF-8 cannot


def test_half_a_character_spoils_no_other_row(client: "testclient.TestClient") -> None:
    asked = ["CCO", HALF, f"C{HALF}", "C" * 60 + HALF]
    said = {"content-type": "application/json"}
    answer = client.post("/predict", content=json.dumps({"smiles": asked}), headers=said)
    assert answer.status_code == 200
    rows = answer.json()["predictions"]
    statuses = ["ok", "invalid_smiles", "invalid_smiles", "too_large"]
    assert [row["status"] for row in rows] == statuses
    assert rows[1]["reason"] == "cannot be parsed as SMILES"
    refused = client.post("/predict", content=json.dumps({"smiles": HALF}), headers=said)
    assert refused.status_code == 422
    assert "list" in str(refused.json()["detail"])


def test_no_json(client: "testclient.TestClient") -> None:
    answer = client.post("/predict", content=b"\xff{", headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)


def test_nothing_asked(client: "testclient.TestClient") -> None:
    assert client.post("/predict", json={"smiles": []}).json() == {"predictions": []}


def test_a_browser_is_led_to_the_documentation(client: "testclient.TestClient") -> None:
    assert "swagger" in client.get("/").text


def test_health_and_facts(client: "testclient.TestClient") -> None:
    assert client.get("/health").json() == {"status": "ok", "waiting": 0}
    facts = client.get("/model").json()
    assert [task["unit"] for task in facts["tasks"]] == ["log10 mol/L", ""]
    assert facts["members"] == 2
    assert facts["limits"]["molecules"] == 5
    assert facts["table"] == "t.csv"
    assert "training_fingerprints" not in facts


def test_waiting_requests_are_computed_together() -> None:
    batches: list[int] = []

    def predict(smiles: Sequence[str | None]) -> list[dict[str, object]]:
        batches.append(len(smiles))
        return [{"smiles": text} for text in smiles]

    async def many() -> list[list[dict[str, object]]]:
        batcher = Batcher(predict, batch=10, waiting=1000)
        asked = [[f"{n}-{i}" for i in range(n % 3 + 1)] for n in range(30)]
        answers = await asyncio.gather(*(batcher.rows(smiles) for smiles in asked))
        assert [[row["smiles"] for row in rows] for rows in answers] == asked
        batcher.close()
        return answers

    asyncio.run(many())
    assert sum(batches) == 60
    assert len(batches) < 10
    assert max(batches) <= 10


def test_a_failure_is_told_and_the_service_goes_on() -> None:
    def predict(smiles: Sequence[str | None]) -> list[dict[str, object]]:
        if "bad" in smiles:
            raise RuntimeError("no")
        return [{} for _ in smiles]

    async def both() -> None:
        batcher = Batcher(predict, batch=1, waiting=3)
        bad, good = await asyncio.gather(
            batcher.rows(["bad"]), batcher.rows(["C"]), return_exceptions=True
        )
        assert isinstance(bad, RuntimeError)
        assert good == [{}]
        batcher.close()

    asyncio.run(both())


def test_a_request_finds_room_where_none_waits() -> None:
    """However large it is; of those beside others too many wait."""

    async def three() -> None:
        batcher = Batcher(lambda smiles: [{} for _ in smiles], batch=1, waiting=3)
        asked = (batcher.rows(["C"] * number) for number in (4, 1, 1))
        first, *others = await asyncio.gather(*asked, return_exceptions=True)
        assert first == [{}] * 4
        assert all(isinstance(other, Busy) for other in others)
        assert await batcher.rows(["C"]) == [{}]
        batcher.close()

    asyncio.run(three())


def test_what_the_user_can_mend(
    tmp_path: Path, predictor: PropertyPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.safetensors"
    predictor.save(model)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        cases = [
            ("give another --port", (model, "--port", port)),
            ("give another --port", (model, "--port", 99999)),
            ("at least 1", (model, "--molecules", 0)),
            ("cannot read", (tmp_path / "no.safetensors", "--port", 0)),
        ]
        for message, arguments in cases:
            with pytest.raises(SystemExit) as ended:
                run(command, ["serve", *map(str, arguments)])
            assert ended.value.code == 2
            assert message in capsys.readouterr().err
