"""`wattseal station`: a simulated charging station."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from wattseal.app.fleet import member
from wattseal.app.station import run_station
from wattseal.app.station_plan import Plan, Report, Settings
from wattseal.base.errors import ConfigError, InputError
from wattseal.cli.fleet import FleetOptions, run_fleet
from wattseal.cli.output import JsonOutput, json_line
from wattseal.crypto.keys import SigningKey
from wattseal.model.token import IdToken
from wattseal.parties.station import Session
from wattseal.wire.ocpp.version import Version

app = App(name="station", help="Simulate a charging station, or a fleet of them.")

EXIT_UNACKNOWLEDGED = 1
DRIVER = IdToken("04A1B2C3D4", "ISO14443")

_SENTENCES = {
    "connected": "connected, speaking OCPP {ocpp}",
    "disconnected": "not connected: {why}",
    "boot_accepted": "boot accepted, a heartbeat every {interval_s} s",
    "boot_pending": "boot pending, asking again in {interval_s} s",
    "boot_rejected": "boot rejected, asking again in {interval_s} s",
    "power_was_lost": "session {session} was cut short by a restart, ending it",
    "token_refused": "the driver's token was refused",
    "restarts": "the CSMS wants a restart",
    "started": "charging starts at {register_wh} Wh",
    "ended": "charging ends at {register_wh} Wh",
    "acknowledged": "{action} acknowledged",
    "message_refused": "{action} refused: {why}",
}


@app.default
def station(
    *,
    url: str,
    id: str,  # noqa: A002 - the option is called --id
    ocpp: Literal["1.6", "2.0.1", "2.1"] = "2.0.1",
    password: str | None = None,
    password_file: Path | None = None,
    sessions: int = 1,
    energy_wh: int = 5000,
    readings: int = 3,
    interval: float = 1.0,
    id_token: str = DRIVER.value,
    id_token_type: str = DRIVER.type,
    card: Path | None = None,
    signing_meter: Annotated[bool, Parameter(negative="")] = False,
    meter_serial: str = "",
    evse: int = 1,
    attempts: int = 3,
    data: Path | None = None,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    give_up_after: float | None = None,
    stay: Annotated[bool, Parameter(negative="")] = False,
    fleet: FleetOptions | None = None,
    json: JsonOutput = False,
) -> int:
    """Charge at a CSMS: boot, authorise, start, read the meter, stop; then leave.

    With --count a whole fleet does so, drivers coming at random; --ocpp, --sessions, --data and --give-up-after are for
    a single station.

    What the CSMS has not acknowledged waits in order and is sent again after a reconnection or, with --data, a restart.
    Exit codes: 0 every session was charged and acknowledged; 1 something was refused or given up.

    Parameters
    ----------
    url
        Where to dial, without the station id, such as ws://127.0.0.1:9000/ocpp.
    id
        Station identity, the last segment of the address and the user of Basic authentication.
    ocpp
        Version to speak.
    password
        Password of Basic authentication; others on this machine can see it: prefer --password-file.
    password_file
        File with the password, any bytes; a line feed at the end does not count.
    sessions
        Sessions to charge. With 0 and --signing-meter the meter's key is made and told, and nothing is dialled.
    energy_wh
        Energy of one session.
    readings
        Meter readings between start and stop of a session.
    interval
        Seconds between readings.
    id_token
        Token the simulated driver presents.
    id_token_type
        Its type (2.x).
    card
        PEM file of the private key (P-256 or Ed25519) of a card that proves itself, as docs/spec/card.md has it.
    signing_meter
        Let the meter sign start and stop (OCMF, P-256); its key is kept in DATA/keys/meter.pem.
    meter_serial
        Serial number of the meter; by default SIM- and the station id.
    evse
        EVSE to charge at.
    attempts
        Refusals after which a message about a transaction is given up.
    data
        Directory for the meter's register and key and for what waits; without it all is forgotten at the end.
    ca
        PEM file of the authority to trust with wss.
    certificate
        PEM file of the station's own certificate and its chain, to show with wss: security profile 3.
    key
        PEM file of its private key.
    give_up_after
        Seconds after which to leave, whatever still waits; by default it stays until all is acknowledged.
    stay
        Stay for what the CSMS commands (starts, stops, resets, limits, triggers) when all sessions are charged.
    """
    if min(sessions, energy_wh, readings) < 0 or interval < 0 or attempts < 1:
        raise InputError("counts and times are not negative, attempts at least 1", subject="station")
    settings = Settings(
        url=url,
        station_id=id,
        version=Version(ocpp),
        plan=Plan(
            IdToken(id_token, id_token_type), sessions, energy_wh, readings, interval, stay=stay, card=_card(card)
        ),
        password=_password(password, password_file),
        data=data,
        signing_meter=signing_meter,
        meter_serial=meter_serial,
        evse_id=evse,
        attempts=attempts,
        ssl=_tls(ca, certificate, key),
        give_up_after_s=give_up_after,
    )

    if fleet is not None and fleet.count is not None:
        common = member(settings, replace(settings.plan, rate_per_h=fleet.rate))
        return 0 if run_fleet(common, fleet, fleet.count, json=json) else EXIT_UNACKNOWLEDGED

    def tell(event: str, about: dict[str, Any]) -> None:
        if not json:
            print(_SENTENCES[event].format(**about), flush=True)

    report = asyncio.run(run_station(settings, tell))
    print(json_line(report) if json else _summary(report), flush=True)
    return 0 if report.ok else EXIT_UNACKNOWLEDGED


def _card(file: Path | None) -> SigningKey | None:
    if file is None:
        return None
    try:
        return SigningKey.from_pem(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read --card: {error.strerror}", subject=str(file)) from error


def _tls(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if (certificate is None) != (key is None):
        raise ConfigError("give --certificate and --key together", subject="certificate")
    if ca is None and certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None and key is not None:
            context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigError("cannot use --ca, --certificate or --key: PEM files, the key not encrypted") from error
    return context


def _password(text: str | None, file: Path | None) -> bytes | None:
    if text is not None and file is not None:
        raise ConfigError("give --password or --password-file, not both", subject="password")
    if file is not None:
        try:
            return file.read_bytes().removesuffix(b"\n")
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}", subject=str(file)) from error
    return None if text is None else text.encode()


def _summary(report: Report) -> str:
    lines = [_line(session) for session in report.sessions]
    if report.meter_public_key:
        lines.append(f"meter {report.meter_serial}, public key {report.meter_public_key}")
    lines.append(f"register {report.register_wh} Wh, {report.waiting} messages waiting")
    return "\n".join(lines)


def _line(session: Session) -> str:
    energy = "?" if session.stop_wh is None else session.stop_wh - session.start_wh
    return f"session {session.number}: {energy} Wh, transaction {session.transaction_id or 'unnamed'}, {session.fate}"
