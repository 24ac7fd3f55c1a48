"""Alarms in words: what each kind means, and what to do about it."""

from collections.abc import Mapping
from enum import StrEnum

from wattseal.serve.web.reasons import NOTES, REASONS
from wattseal.serve.web.texts import marked as _


class Topic(StrEnum):
    """What an alarm is about."""

    EVIDENCE = "evidence"
    SECURITY = "security"
    DEVICE = "device"


TOPICS: Mapping[Topic, str] = {
    Topic.EVIDENCE: _("Sessions and evidence"),
    Topic.SECURITY: _("Security"),
    Topic.DEVICE: _("Devices"),
}
"""Each topic in words."""
_DEVICE: Mapping[str, tuple[str, str]] = {
    "clock_drift": (
        _("The station's clock is far off."),
        _("Have its time server looked at; a restart often sets the clock."),
    ),
    "own_clock_set": (
        _("The clock of this machine was set, or it stood still."),
        _("Have it kept in step; stations' alarms about their clocks since then are ours."),
    ),
    "unaccounted_session": (
        _("A charge without a session, by the station's register."),
        _("Compare the register with the sessions of the EVSE, and ask the station for messages that wait."),
    ),
    "interrupted": (
        _("A session was interrupted by a restart of the station."),
        _("Look at the session; where energy is missing, decide in quarantine."),
    ),
    "silence": (
        _("The station, or the signer of its records, says nothing any more."),
        _("Look at its power and its link; where it says it is connected, its messages are swallowed on the way."),
    ),
    "missing_stop": (
        _("A session is open, and its EVSE is free or has gone on."),
        _("Wait for the stop, or close the session at the last register told, in quarantine."),
    ),
    "messages_missing": (
        _("Messages of a session are missing, and the station does not send them."),
        _("Ask the station for its log; what came neither late nor again was swallowed on the way."),
    ),
    "sessions_cut": (
        _("Sessions of a site ended together, without their drivers' doing."),
        _("Ask at the site whether there was power; look who sent commands, and at the site's link."),
    ),
    "ended_unseen": (
        _("A session ended while nobody listened."),
        _("Ask the station whether messages wait (transaction status)."),
    ),
    "unknown_transaction": (
        _("The station told of a session that nobody knows."),
        _("Ask the station whether messages wait; look at its messages around that time."),
    ),
    "event_after_end": (
        _("The station told of a session after its end."),
        _("Look at the session's messages; its bill stays as it is."),
    ),
    "schedule_differs": (
        _("The station allows more power than its profiles do."),
        _("Clear its charging profiles and set the limit again."),
    ),
    "local_list_stale": (
        _("The station's local list was not known to be fresh for long."),
        _("Bring the station back, and synchronise its list."),
    ),
    "alone_too_far": (
        _("Somebody tried to command more stations than one person may alone."),
        _("Ask them what they were doing; let somebody else approve it, or take their rights away."),
    ),
    "fallback_missing": (
        _("The station has nothing to fall back to when its limit ends."),
        _("Set the limit again, or have somebody at hand when it ends."),
    ),
    "profiles_differ": (
        _("The station has other charging profiles than it was given."),
        _("Clear its charging profiles and set the limit again."),
    ),
    "device_event": (
        _("The station reports an event of one of its monitors."),
        _("Look at the station and its latest messages."),
    ),
    "firmware_suspect": (
        _("The station runs a firmware that nobody sent, or that failed its checks."),
        _("Compare the version with the one expected; install a known one before it charges on."),
    ),
    "payment_failed": (
        _("A payment at the station went wrong."),
        _("Look at the payment; the driver may have been charged twice or not at all."),
    ),
    "message_not_processed": (
        _("A message of the station could not be read, or met a fault of this program, and was put aside."),
        _("The message is kept: tell the station's maker where it departs from its schema, else report the fault."),
    ),
    "grid_event": (
        _("The station reports trouble with the grid."),
        _("Look at the limits in force and ask the grid operator."),
    ),
    "battery_not_taken": (
        _("A battery was offered and not taken."),
        _("Look at the swap station's slots."),
    ),
    "battery_out_without_in": (
        _("A battery went out, and none came in."),
        _("Look at the swap station's slots."),
    ),
}
_SECURITY: Mapping[str, tuple[str, str]] = {
    "alarms_removed": (
        _("Alarms, or records about them, were taken out of the database."),
        _("What was gone is back. Find out who wrote to the database, and compare records with a backup."),
    ),
    "session_broken": (
        _("A session was changed after it was recorded."),
        _("Open it: the field is named. Compare partners' bundles and a backup, and ask who wrote to the database."),
    ),
    "session_proven_again": (
        _("A session that was broken proves again."),
        _("Nothing, if you put it right. Otherwise find out who did."),
    ),
    "security_event": (
        _("The station reports a security event."),
        _("Look at the station and its certificates; where somebody tampered with it, take it out of service."),
    ),
    "app_code_replayed": (
        _("A used code of an app was shown again; it began nothing."),
        _("Look at the session it names. Where its owner never charged there, waive it and block the app's token."),
    ),
    "uid_guessing": (
        _("Numbers of cards are tried out at a station, or of one issuer at several."),
        _("Nothing more is tried there for two hours. Have somebody look who stands at the station, or what it sends."),
    ),
    "password_guessing": (
        _("Somebody tries out passwords or certificates of stations."),
        _("Shut the address out at the firewall; stations get in all the same. Was it a station: renew its password."),
    ),
    "evidence_invalid": (
        _("A signature of the meter is wrong: signed values were changed."),
        _("Do not bill the session. Compare meter and register on site, and keep the record."),
    ),
    "evidence_replayed": (
        _("The meter's signed record was used in another session before."),
        _("Do not bill the session, and look for other sessions of that station."),
    ),
    "evidence_of_another_meter": (
        _("The signed values are of another meter."),
        _("If the meter was changed, enrol the new one; otherwise do not bill the session."),
    ),
    "message_signature_invalid": (
        _("The signature of a message is wrong."),
        _("Check the certificates enrolled for the station; somebody may sit in between."),
    ),
    "message_signature_missing": (
        _("A message came without the signature that its station puts on all."),
        _("Check the station's settings; somebody may sit in between."),
    ),
    "command_mismatch": (
        _("A command came to the edge as it was not sent."),
        _("Look who ends TLS on the way to the edge, and send the command again if it was meant."),
    ),
    "plain_at_signed_station": (
        _("Unsigned data from a station that signs."),
        _("Check the station's signer; somebody may speak in its name."),
    ),
    "record_signature_invalid": (
        _("The signature of a record is wrong."),
        _("Do not bill the session, and check the station's key in the registry."),
    ),
    "record_key_not_entitled": (
        _("A record is signed with a key that may not sign it."),
        _("Check which keys the registry has for the station."),
    ),
    "chain_gap": (
        _("Records are missing in the station's chain."),
        _("Ask the station or its edge for the missing records; decide in quarantine."),
    ),
    "chain_fork": (
        _("The station's chain exists in two versions."),
        _("Keep both: they prove that its key signed two histories. Replace the key."),
    ),
}
_BY_CODE = {**_DEVICE, **_SECURITY}
_ELSE = _("Look at the session, and decide in quarantine whether it is billed.")
_DEVICE_ELSE = _("Look at the station and its latest messages.")


def topic_of(code: str, *, transaction: bool) -> Topic:
    """Return what an alarm is about; `transaction` says whether it belongs to a session."""
    if code in _SECURITY:
        return Topic.SECURITY
    return Topic.EVIDENCE if transaction or code in REASONS else Topic.DEVICE


def words_of(code: str) -> str:
    """Return what an alarm means (English, the key of translations); one that nobody gave words to is its code."""
    known = _BY_CODE.get(code)
    if known is not None:
        return known[0]
    return REASONS.get(code) or NOTES.get(code) or code.replace("_", " ")


def advice_of(code: str, *, transaction: bool) -> str:
    """Return what to do about it."""
    known = _BY_CODE.get(code)
    if known is not None:
        return known[1]
    return _ELSE if transaction or code in REASONS else _DEVICE_ELSE
