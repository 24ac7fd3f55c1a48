"""Read the configuration: defaults, then the TOML file, then the environment; the later one wins.

`WATTSEAL_LOG__MMD_S=3600` sets `mmd_s` of `[log]`, `WATTSEAL_PARTNERS__0__TOKEN_FILE=/run/secrets/t` the token of the
first of `[[partners]]`, `WATTSEAL_EDGE__SEAL_FOR=MSP,ARB` a list. A secret's key with `_file` (`_FILE`) names a file
that holds it. Variables without a double underscore are not ours. Paths in the file are relative to its folder.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from wattseal.app.settings import Settings
from wattseal.app.settings_base import Secret, Section
from wattseal.app.settings_retention import take_over
from wattseal.base.errors import ConfigError

PREFIX = "WATTSEAL_"
MAX_CONFIG_BYTES = 1024 * 1024
HIDDEN = "***"


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Return the settings; `ConfigError` names the key, what is wrong with it and what was probably meant."""
    raw = {} if path is None else _read(path)
    take_over(raw)
    folder = Path() if path is None else path.parent
    _resolve(raw, Settings, folder, "")
    from_environment: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and "__" in name[len(PREFIX) :]:
            _assign(from_environment, name[len(PREFIX) :].lower().split("__"), value, name)
    take_over(from_environment)
    _merge(raw, _lists(from_environment, Settings))
    _resolve(raw, Settings, Path(), "")
    try:
        return msgspec.convert(raw, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigError(_explained(str(error)), subject=str(path or "environment")) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()[: MAX_CONFIG_BYTES + 1]
        if len(data) > MAX_CONFIG_BYTES:
            raise ConfigError(f"the file is larger than {MAX_CONFIG_BYTES} bytes", subject=str(path))
        return tomllib.loads(data.decode())
    except OSError as error:
        raise ConfigError(f"cannot read the configuration: {error.strerror}", subject=str(path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"not a TOML file: {error}", subject=str(path)) from error


def _assign(tree: dict[str, Any], keys: Sequence[str], value: str, name: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{name} sets a part of something another variable sets as a whole", subject=name)
    tree[keys[-1]] = value


def _lists(tree: dict[str, Any], kind: type[Section]) -> dict[str, Any]:
    """Turn the words of the environment for lists into lists: "a,b" for texts, {"0": {...}} for tables by number."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in tree.items():
        wanted = fields.get(key)
        section, many = _section(wanted)
        if section is not None and not many and isinstance(value, dict):
            _lists(value, section)
        elif get_origin(wanted) is tuple and isinstance(value, str):
            tree[key] = [word.strip() for word in value.split(",") if word.strip()]
    return tree


def _merge(base: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        below = base.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            for ours in value:  # a secret given anew replaces its other form
                below.pop(f"{ours}_file", None)
                if ours.endswith("_file"):
                    below.pop(ours.removesuffix("_file"), None)
            _merge(below, value)
        elif isinstance(value, dict) and isinstance(below, list):
            _merge_numbered(below, value, key)
        elif isinstance(value, dict) and all(k.isdecimal() for k in value):
            base[key] = []
            _merge_numbered(base[key], value, key)
        else:
            base[key] = value


def _merge_numbered(rows: list[Any], over: dict[str, Any], key: str) -> None:
    for number, value in sorted(over.items()):
        if not number.isdecimal() or int(number) > len(rows) or not isinstance(value, dict):
            name = f"{PREFIX}{key}__{number}".upper()
            raise ConfigError(f"tables of [[{key}]] are numbered from 0 without a gap: {name}__KEY", subject=name)
        if int(number) == len(rows):
            rows.append({})
        _merge({"row": rows[int(number)]}, {"row": value})


def _resolve(tree: dict[str, Any], kind: type[Section], folder: Path, place: str) -> None:
    """Refuse unknown keys, read `*_file` secrets, and make paths relative to `folder`, in place."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key in list(tree):
        where = f"{place}.{key}" if place else key
        stem = key.removesuffix("_file")
        if key not in fields and key.endswith("_file") and Secret in _options(fields.get(stem)):
            if stem in tree:
                raise ConfigError(f"give {stem} or {key}, not both", subject=where)
            tree[stem] = Secret(_secret(folder / str(tree.pop(key)), where))
            continue
        if key not in fields:
            raise ConfigError(f"unknown key {key}{_hint(key, fields)}", code="unknown_key", subject=where)
        value = tree[key]
        if Path in _options(fields[key]) and isinstance(value, str):
            tree[key] = folder / value
        section, many = _section(fields[key])
        if section is None:
            continue
        rows = value if many and isinstance(value, list) else [value]
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                _resolve(row, section, folder, f"{where}.{number}" if many else where)


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _section(kind: Any) -> tuple[type[Section] | None, bool]:
    many = get_origin(kind) is tuple
    inner = get_args(kind)[0] if many else kind
    return (inner, many) if isinstance(inner, type) and issubclass(inner, Section) else (None, many)


def _secret(path: Path, where: str) -> str:
    try:
        return path.read_text().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the secret's file {path}: {type(error).__name__}", subject=where) from error


def _hint(key: str, fields: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, fields, n=1)
    return f": did you mean {near[0]}?" if near else f"; known here: {', '.join(fields)}"


def _decode(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    if kind is Secret and isinstance(value, str | Secret):
        return value if isinstance(value, Secret) else Secret(value)
    raise ValueError("expected text")


def _explained(text: str) -> str:
    """Return msgspec's words with the key in front; it names types, never values of secrets."""
    what, _, where = text.partition(" - at `$")
    return f"{where.rstrip('`').lstrip('.') or 'the file'}: {what}"


def redacted(settings: Section) -> dict[str, Any]:
    """Return the settings as plain values, every secret as stars."""
    return {name: _plain(value) for name, value in _members(settings)}


def _members(section: Section) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(section):
        yield field.name, getattr(section, field.name)


def _plain(value: Any) -> Any:
    match value:
        case Section():
            return redacted(value)
        case tuple():
            return [_plain(element) for element in value]
        case Secret():
            return HIDDEN
        case Path() | Decimal():
            return str(value)
        case _:
            return value
