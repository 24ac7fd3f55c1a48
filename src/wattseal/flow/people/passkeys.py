"""Passkeys of people: made by who is signed in, and used to sign in. Each challenge is answered once, and soon."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

from wattseal.base.errors import InputError, LimitError
from wattseal.crypto import passkeys as webauthn
from wattseal.crypto.passkeys import CHALLENGE_BYTES, TIMEOUT_MS, Site
from wattseal.flow.people.register import PersonError, Register
from wattseal.flow.world import World
from wattseal.model.person import Passkey, Person, PersonStatus

MAX_CHALLENGES = 10_000
"""Unanswered; the oldest goes."""
MAX_PASSKEYS = 10
ANYBODY = ""


@dataclass(slots=True)
class Passkeys:
    """The passkeys of a world's people; `asked` are challenges: for whom, "" for signing in, and until when (ms)."""

    world: World
    register: Register
    asked: OrderedDict[bytes, tuple[str, int]] = field(default_factory=OrderedDict)

    def offer(self, site: Site) -> dict[str, Any]:
        """Return what a browser is asked for to sign in."""
        return webauthn.request(site, self._challenge(ANYBODY))

    async def invite(self, site: Site, person: Person) -> dict[str, Any]:
        """Return what a browser is asked for to make a passkey of a person."""
        await self.register.ready()
        sign_in, about = self.register.sign_ins[person.id], self.register.abouts.get(person.id)
        name = person.id[:8] if about is None else about.email or about.name
        known = [passkey.id for passkey in sign_in.passkeys]
        return webauthn.creation(site, self._challenge(person.id), sign_in.handle, name, known)

    async def add(self, site: Site, person: Person, answer: dict[str, Any], name: str) -> None:
        """Keep a passkey that was made (`bad_passkey`)."""
        await self.register.ready()
        challenge = webauthn.challenge_of(answer)
        made = webauthn.check_made(site, challenge, answer) if self._answers(challenge, person.id) else None
        if made is None or self._of(made.id) is not None:
            raise InputError("this passkey cannot be used; try again", code="bad_passkey", subject="passkey")
        sign_in = self.register.sign_ins[person.id]
        if len(sign_in.passkeys) >= MAX_PASSKEYS:
            raise LimitError(f"at most {MAX_PASSKEYS} passkeys; remove one first", subject="passkey")
        new = Passkey(
            id=made.id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            made_ms=self.world.now_ms(),
        )
        changed = replace(sign_in, passkeys=(*sign_in.passkeys, new))
        await self.register.put_sign_in(person.id, changed, person.signs_as, "passkey added")

    async def remove(self, person: Person, number: int) -> None:
        """Remove a passkey by its place in the list; the last way to sign in stays (`last_sign_in`)."""
        sign_in = self.register.sign_ins[person.id]
        left = tuple(one for place, one in enumerate(sign_in.passkeys) if place != number)
        if not left and sign_in.password is None and sign_in.subject is None:
            text = "this is your last way to sign in; add another first"
            raise PersonError(text, code="last_sign_in", subject="passkey")
        await self.register.put_sign_in(person.id, replace(sign_in, passkeys=left), person.signs_as, "passkey removed")

    async def sign_in(self, site: Site, answer: dict[str, Any]) -> Person | None:
        """Return whose passkey answered a challenge of ours, None for nobody's."""
        await self.register.ready()
        challenge = webauthn.challenge_of(answer)
        if not self._answers(challenge, ANYBODY):
            return None
        known = self._of(webauthn.id_of(answer))
        if known is None:
            return None
        person, place = known
        sign_in = self.register.sign_ins[person.id]
        passkey = sign_in.passkeys[place]
        count = webauthn.check_used(site, challenge, answer, passkey.public_key, passkey.sign_count)
        if count is None or person.status is not PersonStatus.ACTIVE:
            self.world.count("sign_ins_refused")
            return None
        if count != passkey.sign_count:
            used = replace(passkey, sign_count=count)
            kept = (*sign_in.passkeys[:place], used, *sign_in.passkeys[place + 1 :])
            await self.register.used_passkey(person.id, replace(sign_in, passkeys=kept))
        return person

    def _challenge(self, person_id: str) -> bytes:
        challenge = self.world.random.bytes(CHALLENGE_BYTES)
        self.asked[challenge] = (person_id, self.world.now_ms() + TIMEOUT_MS)
        while len(self.asked) > MAX_CHALLENGES:
            self.asked.popitem(last=False)
        return challenge

    def _answers(self, challenge: bytes, person_id: str) -> bool:
        """Return whether this was asked, of this person, and not too long ago; it is answered then."""
        asked_of, until_ms = self.asked.pop(challenge, (None, 0))
        return asked_of == person_id and self.world.now_ms() < until_ms

    def _of(self, passkey_id: bytes) -> tuple[Person, int] | None:
        for person_id, sign_in in self.register.sign_ins.items():
            for place, passkey in enumerate(sign_in.passkeys):
                if passkey.id == passkey_id and person_id in self.register.persons:
                    return self.register.persons[person_id], place
        return None
