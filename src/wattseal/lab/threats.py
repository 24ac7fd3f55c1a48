"""The threats of `docs/threat-model.md`: what can go wrong, who would do it, and what must come of it."""

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """The chapters of the threat model."""

    DISCLOSURE = "Disclosure"
    DISTORTION = "Distortion"
    DISRUPTION = "Disruption"
    AVAILABILITY = "Availability and grid"
    IDENTITY = "Identity"
    EVIDENCE = "Evidence"
    WEB = "Web and API"
    ROAMING = "Roaming"
    SUPPLY = "Supply chain"
    INSIDER = "Insider CPO"
    PRIVACY = "Privacy by inference"


class Adversary(StrEnum):
    """Who attacks: somebody between two parties, a station, the CPO itself, a partner, whoever reaches an API."""

    CHANNEL = "channel"
    STATION = "station"
    INSIDER = "insider"
    PARTNER = "partner"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Threat:
    """One line: `wanted` begins with P (prevented), D (detected, with evidence) or B (bounded)."""

    id: str
    family: Family
    title: str
    adversary: Adversary
    wanted: str


_ALL = (
    Threat(
        "T01",
        Family.DISCLOSURE,
        "A stop message is read on a plain `ws` link",
        Adversary.CHANNEL,
        "P where sealed: only ciphertext",
    ),
    Threat(
        "T02",
        Family.DISCLOSURE,
        "Database, write-ahead log, logs or backup are dumped and searched for personal data and energy",
        Adversary.INSIDER,
        "P where sealed",
    ),
    Threat(
        "T03",
        Family.DISCLOSURE,
        "Upload and firmware addresses with credentials are collected from a hijacked connection",
        Adversary.CHANNEL,
        "P: one use, bound to a station",
    ),
    Threat(
        "T04",
        Family.DISCLOSURE,
        "Error bodies, stack traces or metrics tell something to a caller without credentials",
        Adversary.WEB,
        "P",
    ),
    Threat(
        "T05",
        Family.DISCLOSURE,
        "A nonce or key is used twice after a restart, fork or clone of the disk",
        Adversary.INSIDER,
        "P",
    ),
    Threat(
        "T06",
        Family.DISCLOSURE,
        "A secret shares a compression window with attacker's text",
        Adversary.CHANNEL,
        "B: what the CSMS sends is never compressed; a station's window holds 2 KiB",
    ),
    Threat(
        "T07",
        Family.DISTORTION,
        "The register of a stop is lowered on the way",
        Adversary.CHANNEL,
        "D from G2 on: field and record named",
    ),
    Threat("T08", Family.DISTORTION, "A stop below its start", Adversary.STATION, "D: kept and quarantined"),
    Threat(
        "T09",
        Family.DISTORTION,
        "The register runs backwards between two sessions",
        Adversary.STATION,
        "D: both records named",
    ),
    Threat("T10", Family.DISTORTION, "Wh taken for kWh, or a wrong power of ten", Adversary.STATION, "D"),
    Threat("T11", Family.DISTORTION, "More energy than rating times duration", Adversary.STATION, "D"),
    Threat(
        "T12",
        Family.DISTORTION,
        "Huge numbers, NaN, booleans or exponents in place of a register",
        Adversary.CHANNEL,
        "P",
    ),
    Threat(
        "T13",
        Family.DISTORTION,
        "A timestamp is moved across a tariff boundary",
        Adversary.STATION,
        "D: clock quality lowers the grade, both times kept",
    ),
    Threat("T14", Family.DISTORTION, "A timestamp of 1970, 2099, or nonsense", Adversary.STATION, "D: quarantined"),
    Threat(
        "T15",
        Family.DISTORTION,
        "A stop is sent again under a new message id, with the same or another value",
        Adversary.CHANNEL,
        "D: one bill, the conflict kept",
    ),
    Threat(
        "T16",
        Family.DISTORTION,
        "An offline queue arrives after 30 days, out of order",
        Adversary.STATION,
        "P: idempotent",
    ),
    Threat(
        "T17",
        Family.DISTORTION,
        "A transaction id of 0 or -1 after an offline start",
        Adversary.STATION,
        "D: quarantined, matched by evidence",
    ),
    Threat("T18", Family.DISTORTION, "One station stops another's transaction", Adversary.STATION, "P"),
    Threat("T19", Family.DISTORTION, "An answer to a call nobody made", Adversary.CHANNEL, "P: ignored and counted"),
    Threat(
        "T20",
        Family.DISTORTION,
        "Meter values after the stop, or a stop without a start",
        Adversary.STATION,
        "D: quarantined, nothing posted",
    ),
    Threat(
        "T21",
        Family.DISTORTION,
        "A charging profile or remote start is altered on the link from the CPO",
        Adversary.CHANNEL,
        "P: signed commands that expire, and an alarm",
    ),
    Threat(
        "T22",
        Family.DISRUPTION,
        "A second connection under a station's identity displaces it",
        Adversary.CHANNEL,
        "P: authenticate first",
    ),
    Threat("T23", Family.DISRUPTION, "The clean-up of an old connection ends the new one", Adversary.CHANNEL, "P"),
    Threat(
        "T24",
        Family.DISRUPTION,
        "A half-open connection keeps the station out",
        Adversary.CHANNEL,
        "B: two ping intervals",
    ),
    Threat(
        "T25",
        Family.DISRUPTION,
        "Credentials are tried out",
        Adversary.CHANNEL,
        "B, and the real station is never locked out",
    ),
    Threat(
        "T26",
        Family.DISRUPTION,
        "Black hole: everything is swallowed",
        Adversary.CHANNEL,
        "D within the heartbeat bound",
    ),
    Threat(
        "T27",
        Family.DISRUPTION,
        "Gray hole: one record in k is swallowed",
        Adversary.CHANNEL,
        "D within 10 records or 300 s",
    ),
    Threat(
        "T28", Family.DISRUPTION, "Records are delayed by 10 s to 24 h", Adversary.CHANNEL, "D: graded, billed once"
    ),
    Threat("T29", Family.DISRUPTION, "A frame or record is replayed, also after a restart", Adversary.CHANNEL, "D"),
    Threat(
        "T30",
        Family.DISRUPTION,
        "Sinkhole: the name of the CSMS leads elsewhere",
        Adversary.CHANNEL,
        "P: receipts are missing",
    ),
    Threat(
        "T31", Family.DISRUPTION, "Wormhole: one station's session is tunnelled through another", Adversary.STATION, "D"
    ),
    Threat(
        "T32",
        Family.DISRUPTION,
        "Slow upgrades, byte-a-minute frames, a client that never reads",
        Adversary.CHANNEL,
        "B: others' p99 at most doubles",
    ),
    Threat("T33", Family.DISRUPTION, "A flood of pings, heartbeats or status messages", Adversary.STATION, "B"),
    Threat("T34", Family.DISRUPTION, "A deflate bomb, one-byte fragments, a frame of 64 MiB", Adversary.CHANNEL, "B"),
    Threat(
        "T35", Family.DISRUPTION, "A station that never answers calls", Adversary.STATION, "B: others are not affected"
    ),
    Threat(
        "T36",
        Family.DISRUPTION,
        "A poison message at the head of a queue",
        Adversary.STATION,
        "B: the queue goes on, one dead letter",
    ),
    Threat(
        "T37",
        Family.AVAILABILITY,
        "Many stations switch from nothing to full at once",
        Adversary.INSIDER,
        "B: ramp cap and jitter",
    ),
    Threat(
        "T38",
        Family.AVAILABILITY,
        "Inflated telemetry drives demand response",
        Adversary.STATION,
        "D: unsigned data never does",
    ),
    Threat(
        "T39",
        Family.AVAILABILITY,
        "A forged or stale capacity forecast",
        Adversary.PARTNER,
        "P: expiry falls back to a safe limit above zero",
    ),
    Threat(
        "T40",
        Family.AVAILABILITY,
        "The CSMS dies while cars charge",
        Adversary.CHANNEL,
        "P: charging goes on, nothing acknowledged is lost",
    ),
    Threat(
        "T41",
        Family.AVAILABILITY,
        "5000 stations reconnect at once",
        Adversary.CHANNEL,
        "B: five minutes, nothing lost",
    ),
    Threat(
        "T42",
        Family.AVAILABILITY,
        "A profile of 0 A, a negative one, or one shadowed by its stack level",
        Adversary.INSIDER,
        "B: a floor; two people for a fleet",
    ),
    Threat("T43", Family.AVAILABILITY, "The sessions of a site end together without a cause", Adversary.CHANNEL, "D"),
    Threat(
        "T44",
        Family.IDENTITY,
        "A cloned card charges in two places, or travels impossibly fast",
        Adversary.STATION,
        "D: both flagged",
    ),
    Threat("T45", Family.IDENTITY, "Card numbers are guessed", Adversary.STATION, "B: 20 tries per station and issuer"),
    Threat("T46", Family.IDENTITY, "Evidence handed on shows the card's number", Adversary.PARTNER, "P"),
    Threat(
        "T47",
        Family.IDENTITY,
        "A look-alike spelling of a token or station id passes for another",
        Adversary.STATION,
        "P: one canonical form",
    ),
    Threat("T48", Family.IDENTITY, "A Plug & Charge handshake is relayed", Adversary.STATION, "P: bound to the EVSE"),
    Threat(
        "T49",
        Family.IDENTITY,
        "A revoked or expired contract, a wrong root, an unreachable responder",
        Adversary.STATION,
        "P: what is not proven is refused",
    ),
    Threat(
        "T50",
        Family.IDENTITY,
        "The Basic user differs from the path, or a certificate's name does",
        Adversary.STATION,
        "P",
    ),
    Threat(
        "T51",
        Family.EVIDENCE,
        "A signature is stripped or replaced by random bytes",
        Adversary.CHANNEL,
        "P by the pinned grade",
    ),
    Threat("T52", Family.EVIDENCE, "The signature is made with a key that comes along", Adversary.INSIDER, "P"),
    Threat("T53", Family.EVIDENCE, "A good signature of another meter or session", Adversary.INSIDER, "P"),
    Threat(
        "T54",
        Family.EVIDENCE,
        "Duplicate keys, other spellings of a number",
        Adversary.CHANNEL,
        "P: refused before verifying",
    ),
    Threat(
        "T55",
        Family.EVIDENCE,
        "`alg: none`, HMAC under the public key, `crit`, a path as key id",
        Adversary.CHANNEL,
        "P",
    ),
    Threat(
        "T56",
        Family.EVIDENCE,
        "The second valid form of an ECDSA signature passes for a second record",
        Adversary.CHANNEL,
        "P",
    ),
    Threat("T57", Family.EVIDENCE, "A Merkle node passes for a leaf", Adversary.INSIDER, "P"),
    Threat("T58", Family.EVIDENCE, "Two parties are shown two histories", Adversary.INSIDER, "D by witnesses"),
    Threat("T59", Family.EVIDENCE, "The log is rolled back or cut", Adversary.INSIDER, "D"),
    Threat("T60", Family.WEB, "A station's text runs as script in an operator's browser", Adversary.STATION, "P"),
    Threat("T61", Family.WEB, "A station's text runs as a formula in an export", Adversary.STATION, "P"),
    Threat(
        "T62",
        Family.WEB,
        "Another site's page acts with a user's session",
        Adversary.WEB,
        "P: there is none, every request shows a token; payment forms bear a nonce of this browser",
    ),
    Threat("T63", Family.WEB, "SQL through values, sort or filter parameters", Adversary.WEB, "P"),
    Threat("T64", Family.WEB, "A tenant reads or changes another's objects", Adversary.WEB, "P: no unexpected 2xx"),
    Threat(
        "T65",
        Family.WEB,
        "A web hook, versions URL, response_url or upload makes the server call inside",
        Adversary.PARTNER,
        "P",
    ),
    Threat("T66", Family.WEB, "An upload is written outside its folder", Adversary.WEB, "P"),
    Threat("T67", Family.ROAMING, "A party speaks under another's country and party id", Adversary.PARTNER, "P"),
    Threat(
        "T68",
        Family.ROAMING,
        "A CDR twice, a loop of credits, a cost that the tariff and evidence do not give",
        Adversary.PARTNER,
        "D",
    ),
    Threat("T69", Family.ROAMING, "A stale push brings a blocked card back", Adversary.PARTNER, "P"),
    Threat(
        "T70",
        Family.SUPPLY,
        "Malicious or rolled-back firmware",
        Adversary.INSIDER,
        "P: manifest signed by several, checked at the station",
    ),
    Threat("T71", Family.SUPPLY, "A poisoned dependency", Adversary.CHANNEL, "P: installation fails on the hash"),
    Threat(
        "T72",
        Family.INSIDER,
        "Bill, tariff or price is edited after the session",
        Adversary.INSIDER,
        "D by the eMSP, offline",
    ),
    Threat("T73", Family.INSIDER, "A session is invented", Adversary.INSIDER, "D: no proof from user or car"),
    Threat("T74", Family.INSIDER, "A session is suppressed", Adversary.INSIDER, "D within 10 records or 300 s"),
    Threat(
        "T75",
        Family.INSIDER,
        "Alarms are muted with a database role",
        Adversary.INSIDER,
        "D: an outside dead man's switch",
    ),
    Threat(
        "T76",
        Family.PRIVACY,
        "Two aggregates are subtracted to get one person's figure",
        Adversary.PARTNER,
        "P: a minimum group size",
    ),
    Threat(
        "T77", Family.PRIVACY, "The charging curve identifies the car", Adversary.PARTNER, "B: coarsened before sharing"
    ),
    Threat(
        "T78",
        Family.PRIVACY,
        "Ids, counts or log growth tell a competitor how busy stations are",
        Adversary.WEB,
        "B: correlation below 0.1",
    ),
)
THREATS: dict[str, Threat] = {threat.id: threat for threat in _ALL}
"""By id, in their order."""
