"""What OPTIONS answers: every method a path takes, which the framework forgets where handlers share a path."""

from collections import defaultdict

from litestar import Litestar
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope


class Methods:
    """The `before_send` hook; `learn` once the application is made."""

    def __init__(self) -> None:
        """Know no path yet."""
        self._by_path: dict[str, set[str]] = defaultdict(set)

    def learn(self, app: Litestar) -> None:
        """Note the methods of every path."""
        for route in app.routes:
            if isinstance(route, HTTPRoute):
                for path in (route.path, route.path_format):
                    self._by_path[path].update(route.methods)

    async def __call__(self, message: Message, scope: Scope) -> None:
        """Put the whole list into the answer to OPTIONS."""
        if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS":
            return
        methods = self._by_path.get(scope.get("path_template", ""))
        if methods:
            MutableScopeHeaders.from_message(message)["Allow"] = ", ".join(sorted(methods))
