"""`wattseal keys ca`: the data directory's own certificate authority, for the CSMS and its stations."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import ConfigError, InputError
from wattseal.cli.output import JsonOutput, json_line
from wattseal.crypto.authority import STATION_DAYS, load_private_key
from wattseal.crypto.certificates import Certificate
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.crypto.signing_requests import MAX_REQUEST_BYTES, read_request
from wattseal.stores.authority import SERVER, SERVER_RSA, AuthorityFiles, Issued
from wattseal.stores.datadir import DataDir, read_format
from wattseal.stores.files import write_durably
from wattseal.stores.registry_home import read_file

app = App(name="ca", help="Issue and revoke certificates for the CSMS and its stations.")

Data = Annotated[Path, Parameter(help="The data directory of `wattseal serve`; made where there is none.")]
Out = Annotated[Path, Parameter(help="File to write the certificate and its chain to (PEM); it must not exist.")]
Days = Annotated[int, Parameter(help="For how many days the certificate is good.")]


@app.command
def init(*, data: Data, organization: str, name: str = "wattseal station CA", json: JsonOutput = False) -> None:
    """Make the authority: a P-256 key and the root certificate that stations are to trust.

    Parameters
    ----------
    organization
        The CPO's name: the O of everything it issues.
    name
        The root's common name.
    """
    files = _files(data)
    made = files.make(name=name, organization=organization, now=SystemClock().now(), random=SystemRandom())
    _say(made, files.certificate, json=json)


@app.command(name="issue-server")
def issue_server(
    *,
    data: Data,
    host: Annotated[list[str], Parameter(negative="", help="DNS name or address that stations dial; may repeat.")],
    rsa: Annotated[bool, Parameter(negative="", help="Beside the P-256 one: for stations without ECDSA.")] = False,
    json: JsonOutput = False,
) -> None:
    """Issue the CSMS's certificate, also anew; a running server takes it into use by itself. The key stays."""
    files = _files(data)
    made = files.issue_server(host, now=SystemClock().now(), random=SystemRandom(), rsa=rsa)
    path = next(c for c, _ in files.server_files() if c.name == (SERVER_RSA if rsa else SERVER))
    _say(made, path, json=json)


@app.command(name="issue-station")
def issue_station(
    station: str, /, *, data: Data, out: Out, key_out: Path, days: Days = STATION_DAYS, json: JsonOutput = False
) -> None:
    """Issue a certificate with a new key, for a station that is set up by hand.

    Better let the station make its key and sign its request: over OCPP, or with `sign-csr`.

    Parameters
    ----------
    station
        The station's id, or the certificate_name it is enrolled with.
    key_out
        File to write the private key to (PEM, readable by its owner only); it must not exist.
    """
    _demand_new(out, key_out)
    random, files = SystemRandom(), _files(data)
    pem = SigningKey.from_seed(Algorithm.ESP256, random.bytes(32)).to_pem()
    key = load_private_key(pem).public_key()
    made = files.issue_station(key, station, now=SystemClock().now(), random=random, days=days)
    write_durably(key_out, pem, 0o600)
    write_durably(out, files.with_chain(made))
    _say(made, out, json=json)


@app.command(name="sign-csr")
def sign_csr(
    request: Path, /, *, data: Data, station: str, out: Out, days: Days = STATION_DAYS, json: JsonOutput = False
) -> None:
    """Sign a station's request, PKCS #10.

    Parameters
    ----------
    request
        File with the request, PEM or DER.
    station
        What the request's CN must be: the station's id, or the certificate_name it is enrolled with.
    """
    _demand_new(out)
    asked = read_request(read_file(request, MAX_REQUEST_BYTES))
    if asked.common_names != (station,) or not asked.strong:
        raise InputError(
            "the request's CN is not the station named, or its key is too weak (P-256 or RSA 2048 at least)",
            code="request_refused",
            subject=str(request),
        )
    files = _files(data)
    made = files.issue_station(asked.key, station, now=SystemClock().now(), random=SystemRandom(), days=days)
    write_durably(out, files.with_chain(made))
    _say(made, out, json=json)


@app.command
def revoke(serial: str, /, *, data: Data, json: JsonOutput = False) -> None:
    """Revoke a certificate; a running server closes its connection and takes it no more.

    Parameters
    ----------
    serial
        The certificate's number in hex, as `list` shows it.
    """
    done = _files(data).revoke(serial, now=SystemClock().now())
    print(json_line(_view(done)) if json else f"{done.certificate.serial_hex} revoked, {_files(data).crl} signed anew")


@app.command
def crl(*, data: Data, json: JsonOutput = False) -> None:
    """Sign the revocation list anew, for 30 more days, and name its file."""
    path = _files(data).renew_crl(now=SystemClock().now())
    print(json_line({"file": str(path)}) if json else path)


@app.command(name="list")
def list_(*, data: Data, json: JsonOutput = False) -> None:
    """List what was issued, oldest first."""
    found = _files(data).issued()
    if json:
        print(json_line([_view(issued) for issued in found]))
        return
    for issued in found:
        c = issued.certificate
        state = f" REVOKED {issued.revoked_at:%Y-%m-%d}" if issued.revoked_at else ""
        print(f"{c.serial_hex} {' '.join(c.common_names)} until {c.not_after:%Y-%m-%d}{state}")


def _files(data: Path) -> AuthorityFiles:
    """Return the authority's files, in a directory that is made or is a CPO's."""
    found = read_format(data)
    if found is None:
        DataDir.open(data, "cpo").close()
    elif found[0] != "cpo":
        raise ConfigError(
            f"{data} belongs to `wattseal {found[0]}`; the authority is the CPO's",
            code="directory_of_another",
            subject=str(data),
        )
    return AuthorityFiles(data)


def _demand_new(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise ConfigError(f"{path} exists and is not overwritten", code="exists", subject=str(path))


def _say(made: Certificate, path: Path, *, json: bool) -> None:
    if json:
        print(json_line({"file": str(path), **_view(Issued(made))}))
        return
    print(f"{path}: {' '.join(made.common_names)}, number {made.serial_hex}, until {made.not_after:%Y-%m-%d}")


def _view(issued: Issued) -> dict[str, Any]:
    c = issued.certificate
    return {
        "serial": c.serial_hex,
        "common_name": c.common_names[0],
        "not_before": c.not_before,
        "not_after": c.not_after,
        "revoked_at": issued.revoked_at,
    }
