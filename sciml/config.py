"""Configurations: frozen pydantic models, read from YAML, with dotted overrides."""

import difflib
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from sciml.errors import InputError


class Config(BaseModel):
    """Base of all configurations: frozen plain data; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


C = TypeVar("C", bound=Config)


def load_config(kind: type[C], path: Path | None = None, overrides: Sequence[str] = ()) -> C:
    """Read a configuration from a YAML file; later overrides win.

    Args:
        kind: the configuration's type.
        path: YAML file; None takes the defaults.
        overrides: `"training.optimizer.lr=3e-4"`: dotted key and a YAML value.

    Raises:
        InputError: unreadable file, unknown key (names the nearest known one), or
            a value that does not fit.
    """
    data = read_settings(path, overrides)
    return parse_config(kind, data, "the configuration" if path is None else str(path), overrides)


def read_settings(path: Path | None = None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """What `load_config` makes a configuration of, as plain data: it may decide the type.

    Raises:
        InputError: unreadable file or override.
    """
    data: dict[str, Any] = {} if path is None else _read_yaml(path)
    for override in overrides:
        _apply_override(data, override)
    return data


def parse_config(
    kind: type[C], data: dict[str, Any], source: str, overrides: Sequence[str] = ()
) -> C:
    """Validate plain data as a configuration of type `kind`.

    Args:
        kind: the configuration's type.
        data: as `read_settings` gives it.
        source: of the data, in words.
        overrides: those among the data, which are then named instead.

    Raises:
        InputError: one line that names every key which does not fit.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        known = sorted(_known_keys(kind))
        keys = [override.partition("=")[0] for override in overrides]
        problems: dict[str, list[str]] = {}
        for problem in error.errors():
            told = problems.setdefault(_origin(_where(problem, known), keys) or source, [])
            told.append(_describe(problem, known))
        raise InputError("; ".join(f"{of}: {'; '.join(p)}" for of, p in problems.items())) from None


def dump_config(config: Config) -> str:
    """The configuration as YAML text that `load_config` reads back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, width=100)


def named_config(package: str, name: str) -> Path:
    """Path of a YAML file, given itself or as the name of one that `package` ships.

    Args:
        package: import name whose `configs` folder is searched.
        name: `"small"` for the package's own `configs/small.yaml`, or a path.

    Raises:
        InputError: neither exists; lists the shipped names.
    """
    folder = Path(str(resources.files(package))) / "configs"
    shipped = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name in shipped:
        return shipped[name]
    if Path(name).is_file():
        return Path(name)
    raise InputError(
        f"no configuration {name!r}: give a YAML file or one of {', '.join(shipped) or 'none'}"
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the known word most like `word`, or an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is not a YAML file: {reason}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} holds no sections; expected `key: value` lines")
    return data


def _apply_override(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise InputError(f"cannot read the override {override!r}; expected section.key=value")
    try:
        value = _number(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InputError(f"cannot read the value of {override!r} as YAML") from error
    *sections, name = key.split(".")
    for section in sections:
        inner = data.setdefault(section, {})
        if inner is None:
            inner = data[section] = {}
        if not isinstance(inner, dict):
            raise InputError(f"{key}: {section!r} is a value, not a section")
        data = inner
    data[name] = value


def _number(value: Any) -> Any:
    """YAML 1.1 reads `1e-3` as text; take it for the number it is."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _known_keys(kind: object) -> set[str]:
    keys: set[str] = set()
    pending, seen = [kind], set()
    while pending:
        item = pending.pop()
        if isinstance(item, type) and issubclass(item, BaseModel) and item not in seen:
            seen.add(item)
            keys.update(item.model_fields)
            pending.extend(field.annotation for field in item.model_fields.values())
        pending.extend(get_args(item))
    return keys


def _where(problem: Any, known: list[str]) -> str:
    """The dotted key of a problem."""
    *sections, last = problem["loc"] or ("top level",)
    # pydantic puts the `kind` of a union between the keys; the file has no such section
    parts = [part for part in sections if isinstance(part, int) or part in known]
    return ".".join(str(part) for part in [*parts, last])


def _origin(where: str, keys: Sequence[str]) -> str:
    """`--training.epochs`, the last override of the key or of a section that it is in, or none."""
    found = [key for key in keys if f"{where}.".startswith(f"{key}.")]
    return f"--{found[-1]}" if found else ""


def _describe(problem: Any, known: list[str]) -> str:
    where = _where(problem, known)
    last = where.rpartition(".")[2]
    if problem["type"] == "extra_forbidden":
        elsewhere = last in known and f"; {last!r} belongs to another section or kind"
        return f"unknown key {where!r}{elsewhere or nearest(str(last), known)}"
    if problem["type"] == "missing":
        return f"missing key {where!r}"
    if problem["type"] == "union_tag_not_found":
        return f"{where}: say which it is, with {where}.kind (got {problem['input']!r:.80})"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message} (got {problem['input']!r:.80})"
