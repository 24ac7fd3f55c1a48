"""What every table of the configuration is made of: types of values, secrets, and the table itself."""

from typing import Annotated

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65_535)]
"""0 takes a free one."""
Seconds = Annotated[float, Meta(gt=0)]
Party = Annotated[str, Meta(pattern=r"\A[!-.0-~]{1,36}\Z")]


class Secret:
    """A password or token; prints as stars, is compared and stored by nobody. `reveal` where it is sent."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are refused."""
