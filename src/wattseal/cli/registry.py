"""`wattseal registry`: enrol keys, revoke them, write trust files (docs/spec/trust.md).

For whoever both sides trust with saying whose key is whose: never the CPO alone.
"""

import base64
import binascii
import json
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import InputError
from wattseal.bundle.trust import LogKey, WitnessKey
from wattseal.crypto.certificates import read_bundle
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.crypto.spki import MAX_KEY_BYTES, read_spki
from wattseal.log.keys import VerifierKey
from wattseal.parties.registry import EnrolmentRequest, Enrolments, make_trust
from wattseal.seal.registry import Entry, Role, Use, entry_from, read_entry
from wattseal.seal.signed import parse
from wattseal.stores.files import write_durably
from wattseal.stores.registry_home import RegistryHome, read_file

app = App(name="registry", help="Enrol keys, revoke them, write trust files.")

Data = Annotated[Path, Parameter(name="--data", help="The registry's directory.")]
Out = Annotated[Path, Parameter(name="--out", help="File to write.")]
Consents = Annotated[list[Path] | None, Parameter(name="--consent", negative="", help="Consent file; may repeat.")]


class RoleName(StrEnum):
    """Roles by name."""

    METER = "meter"
    STATION = "station"
    EDGE = "edge"
    CSMS = "csms"
    BILLING = "billing"
    EMSP = "emsp"
    DSO = "dso"
    CSIO = "csio"
    ARBITER = "arbiter"


class UseName(StrEnum):
    """Uses by name."""

    SIGN = "sign"
    SEAL = "seal"


@app.command
def init(data: Data, *, name: str = "registry", party: str = "REG") -> None:
    """Make a registry: a root key (Ed25519) in DIR/keys/root.pem, readable by its owner only."""
    home = RegistryHome(data)
    root = SigningKey.from_seed(Algorithm.ED25519, SystemRandom().bytes(32))
    home.create(Enrolments(name, root), party)
    print(f"registry {name} of party {party}; root key {_b64(root.public.spki)}")
    print(f"keep {home.root_file} offline: whoever has it can enrol any key")


@app.command
def request(
    *,
    origin: str,
    role: RoleName,
    party: str,
    custodian: str,
    key: str,
    out: Out,
    use: UseName = UseName.SIGN,
    meter_id: str | None = None,
    from_: Annotated[datetime | None, Parameter(name="--from")] = None,
    registry: str = "registry",
) -> None:
    """Write a request to enrol a key, for an eMSP or vendor to consent to and the registry to issue."""
    entry = _entry(
        origin=origin,
        role=role,
        party=party,
        custodian=custodian,
        key=key,
        use=use,
        meter_id=meter_id,
        from_=from_,
    )
    write_durably(out, EnrolmentRequest(registry, entry).encode())
    print(f"{out}: {_describe(entry)}")


@app.command
def consent(*, key: Path, request: Path, out: Out) -> None:
    """Consent to a request with an enrolled eMSP's or vendor's signing key; shows what is consented to."""
    wanted = EnrolmentRequest.parse(_cbor(request))
    write_durably(out, wanted.consent(SigningKey.from_pem(read_file(key))).encode())
    print(f"{out}: consent to {_describe(wanted.entry)}, registry {wanted.registry}")


@app.command
def entry(
    data: Data,
    *,
    out: Out,
    request: Path | None = None,
    origin: str | None = None,
    role: RoleName | None = None,
    party: str | None = None,
    custodian: str | None = None,
    key: str | None = None,
    use: UseName = UseName.SIGN,
    meter_id: str | None = None,
    from_: Annotated[datetime | None, Parameter(name="--from")] = None,
    consent: Consents = None,
) -> None:
    """Issue an entry, of a request file or of what the options say."""
    home = RegistryHome(data)
    enrolments = home.open()
    if request is not None:
        wanted = EnrolmentRequest.parse(_cbor(request))
        if wanted.registry != enrolments.name:
            raise InputError(
                f"the request is for registry {wanted.registry!r}, this is {enrolments.name!r}",
                code="other_registry",
                subject=str(request),
            )
        described = wanted.entry
    elif origin and role and party and key:
        described = _entry(
            origin=origin,
            role=role,
            party=party,
            custodian=custodian or party,
            key=key,
            use=use,
            meter_id=meter_id,
            from_=from_,
        )
    else:
        raise InputError("give --request FILE, or --origin, --role, --party and --key", code="missing_option")
    consents = [parse(_cbor(path)) for path in consent or []]
    statement, _ = enrolments.issue(described, consents)
    home.keep(statement)
    write_durably(out, statement.encode())
    print(f"{out}: version {entry_from(statement).version}, {_describe(described)}")


@app.command
def revoke(
    data: Data, *, kid: str, out: Out, from_: Annotated[datetime | None, Parameter(name="--from")] = None
) -> None:
    """Revoke the key with this id (16 hex digits) from a time on; what was witnessed before stays good."""
    home = RegistryHome(data)
    try:
        key_id = bytes.fromhex(kid)
    except ValueError as error:
        raise InputError("a key id is 16 hex digits, as `registry list` shows", code="bad_kid", subject=kid) from error
    statement, _ = home.open().revoke(key_id, _ms(from_))
    home.keep(statement)
    write_durably(out, statement.encode())
    print(f"{out}: {kid} revoked")


@app.command(name="list")
def list_(data: Data, *, json: bool = False) -> None:
    """List what is enrolled, newest version of each key."""
    latest = {e.kid: e for e in map(entry_from, RegistryHome(data).open().issued)}
    if json:
        print(_json([_entry_json(e) for e in latest.values()]))
        return
    for e in latest.values():
        print(f"{e.version:>4} {e.kid.hex()} {_describe(e)}{' REVOKED' if e.revoked_ms is not None else ''}")


@app.command(name="trust-file")
def trust_file(
    data: Data,
    *,
    out: Out,
    log: Annotated[list[str], Parameter(negative="", help="VKEY=PARTY; may repeat.")],
    witness: Annotated[list[str], Parameter(negative="", help="VKEY=PARTY; may repeat.")],
    quorum: int,
    entry: Annotated[list[Path] | None, Parameter(negative="", help="More entries; this registry's are in.")] = None,
    contract_roots: Annotated[
        Path | None, Parameter(help="PEM of who may issue contracts to vehicles (ISO 15118), for their receipts.")
    ] = None,
) -> None:
    """Write a trust file: this registry's root and entries, the logs, the witnesses and their quorum."""
    home = RegistryHome(data)
    enrolments, party = home.open(), home.party()
    latest = {entry_from(s).kid: s for s in enrolments.issued}
    more = [parse(_cbor(path)) for path in entry or []]
    logs = [LogKey(*_vkey(text)) for text in log]
    witnesses = [WitnessKey(*_vkey(text)) for text in witness]
    trust = make_trust(
        enrolments,
        party,
        logs=logs,
        witnesses=witnesses,
        quorum=quorum,
        entries=[*latest.values(), *more],
        contract_roots=() if contract_roots is None else read_bundle(contract_roots.read_bytes()),
    )
    write_durably(out, trust.to_json())
    print(f"{out}: {len(trust.logs)} logs, {len(trust.witnesses)} witnesses, {len(trust.entries)} entries")


def _entry(
    *,
    origin: str,
    role: RoleName,
    party: str,
    custodian: str,
    key: str,
    use: UseName,
    meter_id: str | None,
    from_: datetime | None,
) -> Entry:
    described = Entry(
        version=0,
        origin=origin,
        role=Role[role.name],
        party=party,
        custodian=custodian,
        spki=read_spki(_key_bytes(key)),
        use=Use[use.name],
        from_ms=_ms(from_),
        meter_id=meter_id,
    )
    return replace(read_entry(described.fields()), version=0)


def _key_bytes(key: str) -> bytes:
    path = Path(key)
    try:
        if path.is_file():
            return read_file(path, MAX_KEY_BYTES)
    except OSError:  # a key's text is too long for a file name
        return key.encode()
    return key.encode()


def _ms(when: datetime | None) -> int:
    if when is None:
        return SystemClock().now_ms()
    if when.tzinfo is None:
        raise InputError("write the time with its zone, such as 2026-01-31T12:00:00Z", code="bad_time", subject="from")
    return int(when.timestamp() * 1000)


def _vkey(text: str) -> tuple[VerifierKey, str]:
    vkey, separator, party = text.rpartition("=")
    if not separator or not party:
        raise InputError("write VKEY=PARTY", code="bad_vkey", subject=text[:80])
    return VerifierKey.parse(vkey.strip()), party


def _describe(e: Entry) -> str:
    meter = f", meter {e.meter_id}" if e.meter_id else ""
    return f"{e.role.name.lower()} key {e.kid.hex()} to {e.use.name.lower()} for {e.origin} ({e.party}{meter})"


def _entry_json(e: Entry) -> dict[str, object]:
    return {
        "version": e.version,
        "kid": e.kid.hex(),
        "origin": e.origin,
        "role": e.role.name.lower(),
        "party": e.party,
        "custodian": e.custodian,
        "use": e.use.name.lower(),
        "from_ms": e.from_ms,
        "revoked_ms": e.revoked_ms,
        "meter_id": e.meter_id,
        "public_key": _b64(e.spki),
    }


def _cbor(path: Path) -> bytes:
    """Read a file of this tool's, undoing base64 where it came by mail."""
    data = read_file(path)
    if data[:1] in {b"\xd2", b"\x83"}:
        return data
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        return data


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(value: object) -> str:
    return json.dumps(value, indent=2)
