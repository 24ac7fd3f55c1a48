"""What belongs on a station's local list, and in which messages it gets there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from wattseal.model.local_list import Held, ListEntry, ListPolicy, ListSent
from wattseal.model.token import Authorization, IdToken, TokenRecord, TokenStatus
from wattseal.rules.authorize import AskParty, OwnDecision, Place, described, own_card_key, who_decides

ITEMS_PER_MESSAGE = 100
"""Where a station does not say how many entries a message may have."""


def entry_for(
    token: TokenRecord, station_id: str, policy: ListPolicy, parties: frozenset[str], now: datetime
) -> ListEntry | None:
    """Return a token's entry; None for one that may not start there or is not for this list.

    `parties` are the eMSPs who allow that their drivers' tokens are given to stations. Of a token that is refused a
    list says nothing: whoever is not on it is asked about, or refused while the station is offline. Nor of a card that
    has to prove itself: a station that lets it charge by its number would let its copy charge.
    """
    if own_card_key(token) is not None:
        return None
    match who_decides(token, Place(station_id, 0, now, starts=True)):
        case OwnDecision(TokenStatus.ACCEPTED) if policy is not ListPolicy.NONE:
            pass
        case AskParty(party) if policy is ListPolicy.ALL and party in parties:
            pass
        case _:
            return None
    return ListEntry(token.id_token, described(Authorization(TokenStatus.ACCEPTED), token, station_id))


def changes(
    wanted: Mapping[str, ListEntry], held: Mapping[str, Held], digest: Callable[[ListEntry], str]
) -> list[ListEntry]:
    """Return the entries that bring a list from `held` to `wanted`: what goes first, then what comes or differs."""
    gone = [ListEntry(IdToken(was.value, was.type)) for key, was in held.items() if key not in wanted]
    new = [entry for key, entry in wanted.items() if (was := held.get(key)) is None or was.digest != digest(entry)]
    return gone + new


def messages(
    entries: Sequence[ListEntry], version: int, *, full: bool, items: int, fits: Callable[[ListSent], bool]
) -> list[ListSent]:
    """Return the entries as messages of at most `items` that fit; versions count up from `version` + 1.

    A whole list begins with a full message, even an empty one, and goes on with changes (D01.FR.11). One entry that
    does not fit by itself is sent nonetheless: the station decides.
    """
    parts = [tuple(entries[n : n + items]) for n in range(0, len(entries), items)]
    if not parts and full:
        parts = [()]
    made: list[ListSent] = []
    while parts:
        part = parts.pop(0)
        sent = ListSent(version + 1 + len(made), full and not made, part)
        if len(part) > 1 and not fits(sent):
            half = len(part) // 2
            parts[:0] = [part[:half], part[half:]]
        else:
            made.append(sent)
    return made


def applied(held: Mapping[str, Held], sent: ListSent, digest: Callable[[ListEntry], str]) -> dict[str, Held]:
    """Return what a station holds after it has accepted a message (D01.FR.04, 15 to 17)."""
    after = {} if sent.full else dict(held)
    for entry in sent.entries:
        key = entry.id_token.key()
        if entry.authorization is None:
            after.pop(key, None)
        else:
            after[key] = Held(entry.id_token.value, entry.id_token.type, digest(entry))
    return after
