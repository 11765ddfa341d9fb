"""Configuration: YAML, overrides, and one line for what does not fit."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from sciml.config import Config, dump_config, load_config, named_config
from sciml.errors import InputError


class Square(Config):
    kind: Literal["square"] = "square"
    side: float = 1.0


class Circle(Config):
    kind: Literal["circle"] = "circle"
    radius: float = 1.0


class Drawing(Config):
    shape: Annotated[Square | Circle, Field(discriminator="kind")] = Square()
    colour: str = "blue"
    points: tuple[int, ...] = ()
    rate: float = 0.1


def write(folder: Path, text: str) -> Path:
    path = folder / "drawing.yaml"
    path.write_text(text)
    return path


def test_file_then_overrides(tmp_path: Path) -> None:
    path = write(tmp_path, "shape: {kind: circle, radius: 2}\ncolour: red\n")
    drawing = load_config(Drawing, path, ["shape.radius=3", "points=[1, 2]", "rate=1e-3"])
    assert drawing == Drawing(shape=Circle(radius=3), colour="red", points=(1, 2), rate=1e-3)


def test_dump_reads_back(tmp_path: Path) -> None:
    drawing = Drawing(shape=Circle(radius=0.1), points=(4, 5))
    assert load_config(Drawing, write(tmp_path, dump_config(drawing))) == drawing


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("color: red", [], "unknown key 'color'; did you mean 'colour'"),
        ("shape: {kind: circle, colour: red}", [], "'colour' belongs to another section"),
        ("shape: {kind: circle, radios: 2}", [], "'shape.radios'; did you mean 'radius'"),
        ("rate: fast", [], "rate: .*valid number.*'fast'"),
        ("colour: red", ["shape.radius=2"], "shape: say which it is, with shape.kind"),
        ("shape: {kind: triangle}", [], "'square', 'circle'"),
        ("- a\n- b", [], "holds no sections"),
        ("a: [", [], "is not a YAML file"),
        ("colour: red", ["rate"], "expected section.key=value"),
        ("colour: red", ["colour.deep=1"], "'colour' is a value, not a section"),
    ],
)
def test_what_does_not_fit_is_one_line(
    tmp_path: Path, text: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_config(Drawing, write(tmp_path, text), overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "start"),
    [
        (["color=red"], "--color: unknown key 'color'; did you mean 'colour'"),
        (["rate=1", "rate=fast"], "--rate: rate: "),
        (["shape={kind: circle, radios: 2}"], "--shape: unknown key 'shape.radios'"),
        (["shape.kind=circle", "shape.side=1"], "--shape.side: unknown key 'shape.side'"),
        (["rated=1"], r"\S*yaml: points.0: .*; --rated: unknown key 'rated'; did you mean 'rate'"),
    ],
)
def test_an_override_that_does_not_fit_is_named(
    tmp_path: Path, overrides: list[str], start: str
) -> None:
    text = "points: [1.5]" if "yaml" in start else "colour: red"
    with pytest.raises(InputError, match=f"^{start}"):
        load_config(Drawing, write(tmp_path, text), overrides)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.yaml: No such file"):
        load_config(Drawing, tmp_path / "none.yaml")


def test_named_config(tmp_path: Path) -> None:
    path = write(tmp_path, "colour: red")
    assert named_config("sciml", str(path)) == path
    with pytest.raises(InputError, match="no configuration 'huge'"):
        named_config("sciml", "huge")
