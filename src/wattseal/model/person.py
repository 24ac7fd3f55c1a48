"""People who work with this CSMS: under a pseudonym, their names in a document of its own, how they sign in."""

from dataclasses import dataclass
from enum import StrEnum


class PersonStatus(StrEnum):
    """Whether a person may sign in: not yet, yes, no longer."""

    INVITED = "invited"
    ACTIVE = "active"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Document: a person as records name them; `id` is 16 random bytes in hex. Times are Unix milliseconds.

    `roles` are those of `rules.roles`, `party` is whose partner a partner is. `record` is the payload hash of the
    latest record about the person, in hex.
    """

    id: str
    roles: tuple[str, ...]
    status: PersonStatus = PersonStatus.INVITED
    party: str | None = None
    made_ms: int = 0
    changed_ms: int = 0
    record: str | None = None

    @property
    def signs_as(self) -> str:
        """Return how records, commands and decisions name the person."""
        return f"person/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Document: what is personal about a person, by the person's id; erased on its own.

    `language` is "en" or "de", None: as the browser asks; `zone` an IANA time zone, None: this CSMS's.
    """

    name: str
    email: str | None = None
    language: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey: its id and public key (COSE), how often it was used as it says itself, what its owner calls it."""

    id: bytes
    public_key: bytes
    sign_count: int
    name: str
    made_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Document: how a person proves who they are, by the person's id.

    `handle` is the random name passkeys know the person by, `password` an Argon2id hash, `subject` issuer and subject
    at the OIDC provider.
    """

    handle: bytes
    password: str | None = None
    passkeys: tuple[Passkey, ...] = ()
    subject: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """Document: a browser that is signed in, by the SHA-256 of its secret. Times are Unix milliseconds.

    `begun_ms` bounds it for good, `seen_ms` is when it was last used, to some minutes; `how` is passkey, password, oidc
    or link; `agent` is what the browser called itself.
    """

    id: str
    digest: bytes
    person: str
    begun_ms: int
    seen_ms: int
    how: str
    agent: str = ""


class LinkUse(StrEnum):
    """What a one-time link does: make its holder an owner, or let an invited person choose how to sign in."""

    OWNER = "owner"
    INVITE = "invite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Document: a one-time link, by the SHA-256 of its secret; `person` is None for a new owner."""

    digest: bytes
    use: LinkUse
    expires_ms: int
    by: str
    person: str | None = None
