"""Runbooks: for each alarm what it means, what to check, what to do, and what not to conclude.

`docs/how-to/runbooks.md` is made of them; the pages show each one.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runbook:
    """What somebody needs to know who reads an alarm at night."""

    means: str
    check: str
    then: str
    not_so: str


RUNBOOKS: Mapping[str, Runbook] = {
    "alarms_removed": Runbook(
        "Alarms that stand were gone from the database, or records about them are.",
        (
            "Who has a role in the database, and what ran at that time; `wattseal fsck`; what an outside "
            "watchdog saw last."
        ),
        (
            "Take the role away, compare the chain of alarms with a backup and the witnessed log, close it when "
            "you know who."
        ),
        "That all alarms are back: those of the last second before it may never have been on record.",
    ),
    "alone_too_far": Runbook(
        "One person tried to command more stations than one may alone. The command was not sent.",
        "That person's commands of today, their API tokens, and whether it was they who signed in.",
        "Where it is work, somebody else approves or sends it. If nobody knows of it, suspend the person and undo it.",
        "That nothing was sent before: the stations up to that number were commanded.",
    ),
    "app_code_replayed": Runbook(
        "An app's code that had begun a charge was shown again, more than a minute later. It began nothing.",
        "The session that the alarm names, and whether its owner knows of both; whether the app sends codes twice.",
        "Nothing at once. Where the owner never charged there, waive the session and block the app's token.",
        "That anything was stolen: an app that heard no answer asks again.",
    ),
    "battery_not_taken": Runbook(
        "A swap station offered a battery and nobody took it.",
        "The slot, and whether the driver left or the door stayed shut.",
        "Put the slot back into use; look at the driver's account.",
        "That the driver did anything wrong.",
    ),
    "battery_out_without_in": Runbook(
        "A battery went out and none came in.",
        "The slots' serial numbers before and after.",
        "Find the battery's driver, ask for it or charge for it.",
        "That it is stolen: a slot's sensor fails more often.",
    ),
    "box_altered_in_transit": Runbook(
        "A box of a record is not the one its signer made: it was changed on the way.",
        "Through which party or proxy it came; whether the same record came whole by another way.",
        "Have the record sent again; look at who ends TLS between the two.",
        "That the signer cheated: its signature still fits what it made.",
    ),
    "certificate_failed": Runbook(
        "A station did not take the certificate it had asked for, after all tries.",
        "Its security log, its clock, and the chain that was sent.",
        "Have it ask again; give it the root it lacks.",
        "That anybody tried to get in.",
    ),
    "certificate_rejected": Runbook(
        "A station refused the certificate made for it.",
        "Whether it has the root above it, and a clock that is right.",
        "Install the root, then have it ask again.",
        "That its key is stolen.",
    ),
    "chain_fork": Runbook(
        "A key signed two histories at one place of a chain.",
        "Whether the station was restored from a copy of its disk; who else could have its key.",
        "Keep both, revoke the key, enrol a new one; decide the sessions between in quarantine.",
        "Which of the two is true: the chain cannot say.",
    ),
    "chain_gap": Runbook(
        "Records are missing between two that came.",
        "Whether the edge or station still has them; whether its link was down.",
        "Fetch them; decide in quarantine what stays missing.",
        "That somebody swallowed them, before the station was asked.",
    ),
    "chain_unsigned_too_long": Runbook(
        "Readings came that no signature has covered for longer than the rules allow.",
        "Whether the signer's clock and heartbeat run.",
        "Restart the signer; the next signature covers what waits.",
        "That the readings are false.",
    ),
    "clock_drift": Runbook(
        "A station's clock is far off ours.",
        "Its time server, and whether it jumped or crept.",
        "Set its time server, restart it.",
        "That times of past sessions are wrong by as much: both are on record.",
    ),
    "clock_jumped": Runbook(
        "Within a session the station's clock jumped.",
        "Its events around that, and the order of its numbers.",
        "Have the clock looked at; decide the session by our times.",
        "That the energy is wrong: the register has no clock.",
    ),
    "cloned_token": Runbook(
        "One card charged at two sites at once, or sooner after than anybody gets there.",
        "Both sessions, their cameras if there are, and the places written down for the sites.",
        "Block the card, tell its issuer and the owner, who gets another.",
        "Which of the two is the owner, nor that sites are where they are written.",
    ),
    "command_mismatch": Runbook(
        (
            "An edge refused a command: it came unsigned, altered, signed for another station, out of its time, or "
            "once more. The station was not asked."
        ),
        (
            "The alarm names the action, and what was sent and what came where both are known; whether somebody here "
            "sent it (the station's command log). Who ends TLS between here and the edge. Where the time is the "
            "reason: the edge's clock, and ours."
        ),
        (
            "Send the command again if it was meant. Where it was altered or nobody sent it, find who is on the link: "
            "another address, a proxy, a certificate that is not ours. A clock that is off is set at the edge."
        ),
        "That the station is safe without its edge: whoever reaches it directly needs no signature.",
    ),
    "conflicting_end": Runbook(
        "A second stop of one session tells another value.",
        "Both messages; whether the station was restarted between.",
        "Leave the bill; where the meter signed, compare with that.",
        "That the second is the right one: the first was acknowledged.",
    ),
    "device_event": Runbook(
        "A monitor of the station reports an event.",
        "The component named, and its latest messages.",
        "As its vendor says.",
        "That charging is unsafe, or safe, from the text alone.",
    ),
    "end_before_start": Runbook(
        "A session ends before it starts, by the station's times.",
        "Its clock; the frames.",
        "Decide in quarantine by the register and our times.",
        "That nothing was charged.",
    ),
    "end_without_start": Runbook(
        "A stop came and no start.",
        "Whether messages wait at the station.",
        "Wait for the queue; else close or waive it.",
        "That the start never happened.",
    ),
    "ended_unseen": Runbook(
        "A session ended while nobody listened.",
        "Whether its stop waits at the station.",
        "Ask for messages that wait.",
        "That the driver went without paying.",
    ),
    "energy_beyond_rating": Runbook(
        "More energy than power and time allow.",
        "The rating enrolled for the EVSE; the meter's display.",
        "Correct the rating if it is wrong, else decide in quarantine.",
        "That the meter lies: ratings are typed by people.",
    ),
    "energy_scale_doubtful": Runbook(
        "Register and power differ by a thousand, as kWh and Wh do.",
        "The unit in the station's configuration.",
        "Correct the unit, decide the session.",
        "The right figure by guessing.",
    ),
    "event_after_end": Runbook(
        "The station told of a session after its end.",
        "The message and its number.",
        "Nothing, where it was late; report it to the vendor where it repeats.",
        "That the bill must change.",
    ),
    "evidence_differs": Runbook(
        "What the meter signed is not what the station told.",
        "Both values; whether begin and end belong together.",
        "Bill by what is signed after a look, or waive.",
        "That the driver cheated.",
    ),
    "evidence_invalid": Runbook(
        "A signature of the meter does not fit its values.",
        "The key enrolled, against the one on the meter; the raw data.",
        "Do not bill by it; compare meter and register on site.",
        "That values were changed, before the key was compared.",
    ),
    "evidence_key_differs": Runbook(
        "The meter signed with another key than is enrolled.",
        "Whether the meter was changed; the key on its plate.",
        "Enrol the new key after somebody has seen the plate.",
        "That the key that came along is the meter's.",
    ),
    "evidence_of_another_meter": Runbook(
        "The signed values are of another meter.",
        "Serial numbers; whether two EVSEs are crossed.",
        "Enrol the meter, or have the wiring put right.",
        "That the energy was not delivered.",
    ),
    "evidence_replayed": Runbook(
        "The meter's signed record was used in another session.",
        "Both sessions, and the meter's own counter.",
        "Bill the first only; look for more of that station.",
        "Which firmware does so, without its vendor.",
    ),
    "evidence_unreadable": Runbook(
        "Signed data came that cannot be read.",
        "The format; the raw data.",
        "Report it with the data; the session has the grade of what can be read.",
        "That it is forged.",
    ),
    "fallback_missing": Runbook(
        "A station has a limit that ends, and nothing beneath it to fall back to.",
        "What it answered, and the stack levels of its profiles: the lowest is the fallback's.",
        "Set the limit again, or have somebody at hand when it ends: the station then charges with all it has.",
        "That load is over the limit now: only from its end on.",
    ),
    "firmware_suspect": Runbook(
        "A station runs a firmware that nobody sent, or that failed its checks.",
        "Version, and who ordered an update.",
        "Install a known one before it charges on.",
        "That the station is harmless since it still charges.",
    ),
    "grid_event": Runbook(
        "The station reports trouble with the grid.",
        "Limits in force; other stations of the site.",
        "Ask the grid operator.",
        "That the limit is ours.",
    ),
    "implausible_energy": Runbook(
        "More energy than any battery holds.",
        "Whether the EVSE charges vehicles with more.",
        "Decide in quarantine by start and end on the meter.",
        "That it is fraud: a lost stop looks the same.",
    ),
    "implausible_register": Runbook(
        "No charging meter reaches such a register.",
        "The unit, and the meter's display.",
        "Correct the unit, decide the session.",
        "The register by dividing until it looks right.",
    ),
    "interrupted": Runbook(
        "A restart of the station interrupted a session.",
        "Whether energy is missing at its end.",
        "Decide in quarantine where it is.",
        "That the restart was meant.",
    ),
    "local_list_stale": Runbook(
        "A local list was not known to be fresh for long: cards that were blocked meanwhile may charge by it.",
        "Whether the station is connected; status and version in its local list; whether it refuses a part.",
        "Bring it back and synchronise, with the whole list if need be; where that takes long, take its policy away.",
        "That a blocked card has charged: what it charged offline is told later, and held against the card then.",
    ),
    "message_not_processed": Runbook(
        "A message of a charge could not be read, or met a fault of this program, and was put aside.",
        "What fault the dead letter names; the process's log.",
        "Where the frame departs from its schema tell its maker and decide on the charge by hand; else report it.",
        "That the station is at fault, or that the charge is lost.",
    ),
    "message_signature_invalid": Runbook(
        "The signature of a message does not fit.",
        "The certificates enrolled; who ends TLS between.",
        "Renew the certificate where it ran out; else look for who sits in between.",
        "That its content is true or false.",
    ),
    "message_signature_missing": Runbook(
        "A message came without the signature this station puts on all.",
        "Whether its firmware or settings changed.",
        "Turn signing on again; compare its messages.",
        "That it is only a setting: who strips signatures leaves the same trace.",
    ),
    "message_signature_unreadable": Runbook(
        "A message's signature cannot be read.",
        "The frame, and the station's firmware.",
        "Report it to the vendor.",
        "That it is an attack.",
    ),
    "messages_missing": Runbook(
        "Messages of a session are missing by their numbers, though the station is heard.",
        "Whether they come when the station is asked; the link.",
        "Ask for them; what never comes was dropped.",
        "That nothing of worth was in them.",
    ),
    "missing_stop": Runbook(
        "A session is open and its EVSE is free or has gone on.",
        "Whether the stop waits at the station.",
        "Wait, then close it at the last register, in quarantine.",
        "That the driver still charges.",
    ),
    "negative_register": Runbook(
        "A register below zero was told.",
        "Wiring and direction of the meter.",
        "Decide in quarantine; have the meter looked at.",
        "That energy flowed back.",
    ),
    "pagination_gap": Runbook(
        "The meter's own counter leaves pages out.",
        "Sessions between, also at other systems the meter speaks to.",
        "Ask the station for them.",
        "That a session was hidden: some meters count restarts.",
    ),
    "own_clock_set": Runbook(
        "The clock of this machine was set, back or ahead, or the machine stood still for as long.",
        "`wattseal doctor`, its time server, and whether somebody set the clock or the machine was suspended.",
        (
            "Have it kept in step. Alarms of stations about their clocks since then are ours; decide sessions that "
            "were kept back for their times by the stations' own."
        ),
        "That records are out of order or bills doubled: neither goes by the clock.",
    ),
    "password_guessing": Runbook(
        "Passwords or certificates of stations are tried out.",
        "Addresses; whether it is a station with an old password.",
        "Shut the address out at the firewall; renew the password.",
        "That he got in, nor that he did not: look at the connections.",
    ),
    "payment_failed": Runbook(
        "A payment at a station went wrong.",
        "The payment and the provider's state.",
        "Give back what was taken twice.",
        "That the driver did not pay.",
    ),
    "plain_at_signed_station": Runbook(
        "Unsigned data came from a station that signs.",
        "Its signer and edge; who dialled in.",
        "Bring the signer back; do not bill by unsigned data.",
        "That it is the station that spoke.",
    ),
    "profiles_differ": Runbook(
        "The station has other charging profiles than it was given.",
        "Who set them: another system, or a hand.",
        "Clear them and set the limit again.",
        "That load is under the limit.",
    ),
    "receipt_invalid": Runbook(
        "The vehicle's signed receipt does not fit.",
        "Its chain of certificates.",
        "Decide by the meter.",
        "That the vehicle's owner disputes it.",
    ),
    "receipt_of_another_contract": Runbook(
        "The vehicle's receipt names another contract.",
        "Contract and card of the session.",
        "Ask the eMSP before billing.",
        "That the card is stolen.",
    ),
    "receipt_unreadable": Runbook(
        "The vehicle's receipt cannot be read.",
        "The raw data.",
        "Report it; the meter decides.",
        "That it is forged.",
    ),
    "record_foreign": Runbook(
        "A record came that belongs to another chain.",
        "Which edge or station sent it.",
        "Look at that edge's configuration.",
        "That both stations are in it.",
    ),
    "record_key_not_entitled": Runbook(
        "A record is signed with a key that may not sign it.",
        "What the registry has for the station.",
        "Enrol the key if it is right, else refuse and look for who has it.",
        "That the record is worthless: the signature is somebody's.",
    ),
    "record_signature_invalid": Runbook(
        "The signature of a record does not fit.",
        "The station's key in the registry; the way it came.",
        "Have it sent again; do not bill by it.",
        "Who changed it.",
    ),
    "register_decreased": Runbook(
        "The register ran backwards within a session.",
        "The meter; both readings.",
        "Decide in quarantine.",
        "That the lower one is the right one.",
    ),
    "register_jumped": Runbook(
        "More energy between two readings than power and time allow.",
        "Both readings, the time between, the rating.",
        "Decide in quarantine.",
        "That the earlier reading is right.",
    ),
    "register_rolled_back": Runbook(
        "The register is below the end of the session before.",
        "Whether the meter was changed or reset; both records.",
        "Enrol the new meter; else decide, and look at sessions before.",
        "That only this session is touched.",
    ),
    "reservation_of_another": Runbook(
        "A station was used with another card than it was reserved for.",
        "Groups of both cards.",
        "Nothing, or speak with both drivers.",
        "Fraud.",
    ),
    "schedule_differs": Runbook(
        "The station allows more power than its profiles do.",
        "Its composite schedule and profiles.",
        "Clear and set again; lower the limit meanwhile.",
        "That the fuse holds.",
    ),
    "security_event": Runbook(
        "The station reports a security event.",
        "What kind, its log, its certificates.",
        "Where somebody tampered with it, take it out of service.",
        "That nothing happened because it charges on.",
    ),
    "session_broken": Runbook(
        "A session was changed after it was recorded.",
        "The field that is named; a backup; the partner's bundle.",
        "Put it right from the records, and find out who wrote to the database.",
        "That only this session was changed.",
    ),
    "session_overlap": Runbook(
        "A session overlaps with another of its EVSE.",
        "Clocks and ids of both.",
        "Decide both in quarantine.",
        "That one driver paid for two.",
    ),
    "session_proven_again": Runbook(
        "A session that was broken proves again.",
        "Who put it right.",
        "Close both alarms when it was you.",
        "That nothing had been changed.",
    ),
    "sessions_cut": Runbook(
        "Sessions of a site ended together without their drivers' doing.",
        "Power, limits and commands at the site; the reasons told.",
        "Restart what was cut; where a command did it, ask who sent it.",
        "That it was an attack: a fuse does the same.",
    ),
    "signing_request_refused": Runbook(
        "A station's request for a certificate was refused.",
        "What it asked for: name, organisation, key.",
        "Correct its configuration and have it ask again.",
        "That it is another station.",
    ),
    "silence": Runbook(
        "A station, or the signer of its records, says nothing any more.",
        "Power and link; whether it says it is connected.",
        "Restore the link; announce works as maintenance.",
        "That it is offline: messages can be swallowed on the way.",
    ),
    "stop_not_authorised": Runbook(
        "A session was stopped with a card that may not.",
        "Both cards and their groups.",
        "Restart the charge, speak with the driver.",
        "That the card was stolen.",
    ),
    "transaction_id_reused": Runbook(
        "The station used the id of a session a second time.",
        "Whether it lost its memory.",
        "Decide in quarantine; update its firmware.",
        "That both are one session.",
    ),
    "uid_guessing": Runbook(
        "Numbers of cards are tried out.",
        "The station's camera, and which issuer's range.",
        "Nothing at once: no more are tried there. Tell the issuer.",
        "That none was right: look at sessions of that station.",
    ),
    "unaccounted_session": Runbook(
        "By the register, a charge happened without a session.",
        "Register against sessions of that EVSE.",
        "Ask for messages that wait.",
        "That somebody stole energy: tests by technicians do that.",
    ),
    "unknown_transaction": Runbook(
        "The station told of a session nobody knows.",
        "Messages that wait; whether it came from another system.",
        "Ask it; decide what comes.",
        "That it is invented.",
    ),
    "unusable_transaction_id": Runbook(
        "The station told an id that stands for no session.",
        "Whether it started offline.",
        "Match it in quarantine by card and time.",
        "That energy was not delivered.",
    ),
    "vehicle_differs": Runbook(
        "The vehicle confirmed other values.",
        "Both, and the meter's own.",
        "Decide by what the meter signed; ask the eMSP.",
        "That the vehicle is right.",
    ),
}
"""By code."""
