"""The words of the pages. The English text is the key; every other language is a file beside this one."""

import json
from functools import cache
from importlib.resources import files


@cache
def _words(language: str) -> dict[str, str]:
    file = files(__package__) / f"{language}.json"
    found: dict[str, str] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return found


def translated(language: str, text: str, **values: object) -> str:
    """Return a text in a language, `{name}` replaced by the value of that name; English where there is no other."""
    found = text if language == "en" else _words(language).get(text, text)
    return found.format(**values) if values else found


def marked(text: str) -> str:
    """Return a text as it is: said here, translated where it is shown (as `_`, so that it is found)."""
    return text
