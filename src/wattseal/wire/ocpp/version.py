"""The OCPP versions spoken here, and the error codes each one spells."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Version(StrEnum):
    """An OCPP version; `subprotocol` is its registered WebSocket name."""

    V16 = "1.6"
    V201 = "2.0.1"
    V21 = "2.1"

    @property
    def subprotocol(self) -> str:
        """Return the name in Sec-WebSocket-Protocol."""
        return f"ocpp{self.value}"


BY_SUBPROTOCOL = {version.subprotocol: version for version in Version}


class Fault(Enum):
    """Why a message is refused; the value is `(code in 1.6, code in 2.x)`.

    1.6 keeps its two misspellings: OCPP-J 1.6 errata 5.1 and 5.2 say not to correct them. The table of 2.x is part 4,
    4.3; what it has and 1.6 lacks falls back to the nearest code of 1.6 (OCPP-J 1.6, table 7). `STRUCTURE` is JSON that
    is an array of the right type and yet no whole call: 1.6 has ProtocolError for what is incomplete.
    """

    UNREADABLE = ("FormationViolation", "RpcFrameworkError")
    MALFORMED = ("FormationViolation", "FormatViolation")
    STRUCTURE = ("ProtocolError", "FormatViolation")
    VALUE = ("PropertyConstraintViolation", "PropertyConstraintViolation")
    TYPE = ("TypeConstraintViolation", "TypeConstraintViolation")
    COUNT = ("OccurenceConstraintViolation", "OccurrenceConstraintViolation")
    UNKNOWN_ACTION = ("NotImplemented", "NotImplemented")
    UNSUPPORTED_ACTION = ("NotSupported", "NotSupported")
    SECURITY = ("SecurityError", "SecurityError")
    INTERNAL = ("InternalError", "InternalError")
    PROTOCOL = ("ProtocolError", "ProtocolError")
    GENERIC = ("GenericError", "GenericError")

    def code(self, version: Version) -> str:
        """Return the CALLERROR code that `version` spells for this fault."""
        return self.value[0] if version is Version.V16 else self.value[1]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that is not taken, and what to tell its sender.

    `text` is at most 255 printable ASCII characters and repeats no value that was sent.
    """

    fault: Fault
    text: str
