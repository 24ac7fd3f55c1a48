"""The desk where archives are asked for: of whom there is one, how many at a time, and a signed record of each."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from wattseal.base.errors import InputError
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.money.accounts import AccountError, account_of, note_account
from wattseal.flow.privacy.archive import archive
from wattseal.flow.privacy.finding import belongings_of
from wattseal.flow.privacy.sections import Inside
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.seal.account import AccountEvent

AT_ONCE = 2
"""Archives being written at a time: each reads the whole journal."""
LEASE_MS = 15 * 60_000
"""An archive that is not finished by then, because nobody reads it, does not keep others waiting."""
PER_HOUR, HOUR_MS = 6, 3_600_000
"""Archives of one account."""
MAX_ACCOUNTS = 10_000
"""Accounts remembered for that; the one asked for longest ago goes."""


@dataclass(frozen=True, slots=True)
class Busy:
    """No archive now: too many are being written, or so many of this account were. Ask again in `after_s` seconds."""

    after_s: int


@dataclass(slots=True)
class ExportDesk:
    """`running` is by number since when (ms) an archive is written, `asked` when one of each account was begun."""

    running: dict[int, int] = field(default_factory=dict)
    asked: OrderedDict[str, list[int]] = field(default_factory=OrderedDict)
    count: int = 0

    async def begin(
        self,
        world: World,
        proofs: Proofs,
        account_id: str,
        by: str,
        *,
        erased: bool = False,
        once: Callable[[], Awaitable[bool]] | None = None,
    ) -> AsyncIterator[bytes] | Busy | None:
        """Find what is an account's, write down that it is handed out, and return the archive to be sent.

        `once` is asked when all is ready and before anything is recorded: None where it says no. With `erased` the
        invoices of a payer who was erased are handed out as well. Codes of the `InputError`: `no_such_account`,
        `not_a_driver`, `export_too_large`.
        """
        account = await check_exportable(world, account_id)
        now_ms = world.now_ms()
        busy = self._busy(account_id, now_ms)
        if busy is not None:
            return busy
        number = self._take(account_id, now_ms)
        try:
            mine = await belongings_of(world, account)
            if once is not None and not await once():
                del self.running[number]
                return None
            mine.account = await note_account(world, account_id, AccountEvent.EXPORTED, by)
        except BaseException:
            self.running.pop(number, None)
            raise
        return self._written(number, archive(Inside(world, mine), proofs, operator_of(world), erased=erased))

    async def _written(self, number: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            self.running.pop(number, None)

    def _busy(self, account_id: str, now_ms: int) -> Busy | None:
        for number, since_ms in tuple(self.running.items()):
            if since_ms + LEASE_MS <= now_ms:
                del self.running[number]
        if len(self.running) >= AT_ONCE:
            return Busy(30)
        lately = [ms for ms in self.asked.get(account_id, ()) if ms > now_ms - HOUR_MS]
        if len(lately) >= PER_HOUR:
            return Busy((lately[0] + HOUR_MS - now_ms) // 1000 + 1)
        return None

    def _take(self, account_id: str, now_ms: int) -> int:
        lately = [ms for ms in self.asked.pop(account_id, ()) if ms > now_ms - HOUR_MS]
        self.asked[account_id] = [*lately, now_ms]
        if len(self.asked) > MAX_ACCOUNTS:
            self.asked.popitem(last=False)
        self.count += 1
        self.running[self.count] = now_ms
        return self.count


async def check_exportable(world: World, account_id: str) -> Account:
    """Return an account whose holder is a driver: an eMSP's stands for many, whom the eMSP knows (`not_a_driver`)."""
    account = await account_of(world, account_id)
    if account is None:
        raise AccountError("there is no such account", code="no_such_account", subject="id")
    if account.kind is AccountKind.PARTNER:
        text = "this account is an eMSP's, whose drivers only the eMSP knows; it has their CDRs and bundles"
        raise InputError(text, code="not_a_driver", subject="id")
    return account


def operator_of(world: World) -> str:
    """Return the operator's name, as invoices have it; its party where no legal entity is configured."""
    names = [entity.name for entity in world.settings.billing.entities]
    return ", ".join(names) or world.party
