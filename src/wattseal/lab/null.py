"""Taking a defence out for a control: a null object in its place, in this process only.

No setting, flag or variable of a shipped process does so. A name that is not there is an error: a control that takes
out nothing would prove nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def take_out(owner: object, name: str, null: Any) -> None:
    """Put `null` in the place of a defence, for as long as this process runs."""
    getattr(owner, name)
    setattr(owner, name, null)


@contextmanager
def swapped(owner: object, name: str, null: Any) -> Iterator[None]:
    """Put `null` in the place of a defence as long as the context lasts."""
    before = getattr(owner, name)
    setattr(owner, name, null)
    try:
        yield
    finally:
        setattr(owner, name, before)
