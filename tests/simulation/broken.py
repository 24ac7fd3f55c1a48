"""What is raised where a promise did not hold."""

from typing import NoReturn


class BrokenPromiseError(AssertionError):
    """A promise (1 to 12) that did not hold."""

    def __init__(self, promise: int, text: str) -> None:
        super().__init__(f"promise {promise}: {text}")
        self.promise = promise


def broken(promise: int, text: str) -> NoReturn:
    raise BrokenPromiseError(promise, text)
