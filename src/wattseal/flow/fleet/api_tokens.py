"""API tokens: made, found by their secret, revoked. Good ones are kept in memory, for every request shows one."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from wattseal.base.errors import InputError, LimitError
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import every_document, put, read
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.api_token import ApiToken, TokenState
from wattseal.model.principal import Principal
from wattseal.rules import scopes

API_TOKEN = "api_token"  # noqa: S105 - a document's kind
PREFIX = "wst_"
"""Every secret begins so, that scanners for leaked secrets know one when they see it."""
MAX_TOKENS = 1000
"""So many may be good at once."""
ANY = "*"


@dataclass(slots=True)
class ApiTokens:
    """The API tokens of a world; `good` are those not revoked, by the digest of their secret."""

    world: World
    good: dict[bytes, ApiToken] = field(default_factory=dict)

    async def load(self) -> None:
        """Read what is kept, at start."""
        after, now_ms = "", self.world.now_ms()
        while page := await self.world.journal.documents(self.world.tenant, API_TOKEN, after=after, limit=1000):
            tokens = (read(document, ApiToken) for document in page)
            self.good.update({t.digest: t for t in tokens if t.state(now_ms) is TokenState.ACTIVE})
            after = page[-1].key

    def find(self, secret: str) -> Principal | None:
        """Return whom a secret speaks for; None where it is nobody's, has expired or was revoked."""
        token = self.good.get(sha256(secret.encode()))
        if token is None or token.state(self.world.now_ms()) is not TokenState.ACTIVE:
            return None
        return Principal(self.world.tenant, named(token), frozenset(), frozenset(token.scopes))

    async def make(
        self, asked_by: Principal, name: str, wanted: tuple[str, ...], lifetime_s: int
    ) -> tuple[ApiToken, str]:
        """Make a token and return it with its secret, which is told here and nowhere else.

        Nobody gives away what they do not hold: a scope the asker lacks is an `InputError`, as is one there is not.
        """
        if unknown := scopes.unknown(wanted):
            raise InputError(f"there is no scope {unknown[0]}", code="unknown_scope", subject="scopes")
        lacking = [scope for scope in wanted if not asked_by.may(scope)]
        if lacking:
            raise InputError(f"your own token lacks {lacking[0]}", code="scope_not_held", subject="scopes")
        now_ms = self.world.now_ms()
        self._forget_expired(now_ms)
        if len(self.good) >= MAX_TOKENS:
            raise LimitError(f"at most {MAX_TOKENS} tokens are good at once; revoke some", subject="api-tokens")
        secret = PREFIX + base64.urlsafe_b64encode(self.world.random.bytes(32)).decode().rstrip("=")
        token = ApiToken(
            id=f"{now_ms:015d}-{self.world.random.bytes(8).hex()}",
            name=name,
            scopes=tuple(sorted(set(wanted))),
            digest=sha256(secret.encode()),
            created_by=asked_by.name,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + lifetime_s * 1000,
        )
        await self._keep(token)
        self.good[token.digest] = token
        return token, secret

    async def revoke(self, token_id: str) -> ApiToken | None:
        """Revoke a token, at once; None where there is none. A second time changes nothing."""
        document = await self.world.journal.document(self.world.tenant, API_TOKEN, token_id)
        if document is None:
            return None
        token = read(document, ApiToken)
        self.good.pop(token.digest, None)
        if token.revoked_at_ms is None:
            token = replace(token, revoked_at_ms=self.world.now_ms())
            await self._keep(token)
        return token

    async def revoke_made_by(self, maker: str, *, keep: frozenset[str]) -> int:
        """Revoke what `maker` made that may more than `keep`, and what was made with that in turn; return how many."""
        makers, gone = {maker}, 0
        async for token in self._all():
            if token.created_by in makers and not keep.issuperset(token.scopes):
                makers.add(named(token))
                gone += token.revoked_at_ms is None
                await self.revoke(token.id)
        return gone

    async def author_of(self, name: str) -> str:
        """Return who is behind a name in the end: the maker of the token, or of the token that made it, and so on."""
        made = {named(t): t.created_by async for t in self._all()}
        while name in made:
            name = made.pop(name)
        return name

    async def _all(self) -> AsyncIterator[ApiToken]:
        async for document in every_document(self.world.journal, self.world.tenant, API_TOKEN):
            yield read(document, ApiToken)

    async def page(self, after: str, limit: int) -> tuple[ApiToken, ...]:
        """Return tokens in the order they were made, revoked and expired ones included."""
        found = await self.world.journal.documents(self.world.tenant, API_TOKEN, after=after, limit=limit)
        return tuple(read(document, ApiToken) for document in found)

    def _forget_expired(self, now_ms: int) -> None:
        for digest, token in tuple(self.good.items()):
            if token.state(now_ms) is not TokenState.ACTIVE:
                del self.good[digest]

    async def _keep(self, token: ApiToken) -> None:
        document = put(API_TOKEN, token.id, token, self.world.now_ms())
        await self.world.journal.commit(Batch(self.world.tenant, puts=(document,)))


def named(token: ApiToken) -> str:
    """Return how records name whoever shows a token."""
    return f"{token.name} {token.id}"
