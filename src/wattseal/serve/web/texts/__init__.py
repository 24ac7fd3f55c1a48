"""The words of the pages. The English text is the key; every other language is a file beside this one.

The sentences of runbooks, which are kept with the alarms (`rules.runbooks`), have a file of their own.
"""

import json
from functools import cache
from importlib.resources import files


@cache
def _words(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in (f"runbooks.{language}.json", f"{language}.json"):
        file = files(__package__) / name
        if file.is_file():
            found |= json.loads(file.read_text("utf-8"))
    return found


def translated(language: str, text: str, **values: object) -> str:
    """Return a text in a language, `{name}` replaced by the value of that name; English where there is no other."""
    found = text if language == "en" else _words(language).get(text, text)
    return found.format(**values) if values else found


def marked(text: str) -> str:
    """Return a text as it is: said here, translated where it is shown (as `_`, so that it is found)."""
    return text
