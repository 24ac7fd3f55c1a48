"""Scopes: what the bearer of an API token may do. The administrator's token holds all of them ("*")."""

from collections.abc import Iterable, Mapping

SCOPES: Mapping[str, str] = {
    "accounts:erase": "erase an account's holder for good",
    "accounts:export": "hand a driver everything that is held about them, and make links for that",
    "accounts:read": "accounts, what is on them and held, and who pays",
    "accounts:write": "open, change, block and close accounts; write down and erase who pays",
    "aggregates:read": "sums over groups so large that nobody's own figures can be told",
    "alarms:handle": "acknowledge and close alarms",
    "alarms:read": "list alarms",
    "api-tokens:read": "list API tokens, never their secrets",
    "api-tokens:write": "make and revoke API tokens, with scopes one holds oneself",
    "bills:read": "bills and CDRs: who pays how much for which session",
    "certificates:write": "certificates, passwords and security profiles of stations",
    "charging:lift": "limits against a maximum that two people agreed on, beside what sends them",
    "charging:read": "charging profiles, limits and schedules",
    "charging:stop": "limits that stop charging, beside what sends them",
    "commands:charging": "remote start and stop",
    "commands:maintenance": "firmware, logs, variables and configuration of stations",
    "commands:operation": "restart, unlock, availability, trigger, caches",
    "commands:power": "charging profiles and limits",
    "commands:read": "what stations were asked, by whom, and what came of it",
    "commands:write": "every command, with any payload",
    "customers:read": "what stations hold about customers, as asked for",
    "customers:write": "remove reports about customers",
    "disputes:decide": "decide disputes: credit CDRs and reversals follow",
    "disputes:open": "open disputes with a bundle, and see one's own",
    "disputes:read": "list disputes and see both sides' evidence",
    "energy:read": "energy, settlements and bundles, beside transactions:read",
    "frames:read": "OCPP frames as they went over the wire, tokens in them included",
    "invoices:erased": "invoices of payers who were erased, while the law has them kept",
    "invoices:read": "invoices and statements, with names and addresses",
    "invoices:write": "issue invoices and credit notes",
    "ledger:read": "postings, balances, statements and exports of the ledger",
    "ledger:write": "post opening balances, money in and out and write-offs by hand, and take these back",
    "local-lists:read": "local lists of stations and their versions, without their tokens",
    "local-lists:write": "choose, send and check local lists",
    "logs:read": "download the logs that stations uploaded",
    "payments:read": "payments, what came of them, and the settlement report",
    "payments:write": "begin payments on the spot and onto accounts, and give money back",
    "people:read": "people who work here, their roles and sessions, and who changed what",
    "people:write": "invite people, give and take roles, end sessions, off-board",
    "quarantine:decide": "decide quarantined sessions: bill or waive them; close sessions whose stop is lost",
    "registry:read": "this CPO's public keys",
    "registry:write": "take registry entries",
    "reservations:read": "reservations, without their tokens",
    "reservations:write": "reserve and cancel",
    "settings:read": "the configuration in force, its secrets hidden, and when the last backup was made",
    "stations:read": "stations, their states, reports and uptime",
    "stations:write": "enrol and change stations, maintenance windows",
    "tariffs:read": "tariffs, their versions, what applies where and what a charge would cost",
    "tariffs:write": "set, assign and remove tariffs",
    "tokens:read": "list tokens, and see which token a transaction was charged to",
    "tokens:write": "enrol tokens and change their status",
    "transactions:read": "transactions without their energy",
}
"""Every scope there is, and what it allows."""


def unknown(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return those that are no scopes."""
    return tuple(sorted(set(scopes) - SCOPES.keys()))
