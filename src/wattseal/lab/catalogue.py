"""All attacks, found by their files, and the threats that no attack can be played on today."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from wattseal.base.errors import InputError
from wattseal.lab import attacks
from wattseal.lab.attack import Attack
from wattseal.lab.threats import THREATS

NOT_MET: Mapping[str, str] = {
    "T38": "there is no interface to a grid operator yet, so nothing could drive a demand response",
    "T39": (
        "there is no interface to a grid operator yet, so there is no forecast to forge; a limit that ends falls back "
        "to one above zero (T42)"
    ),
    "T48": "handshakes of Plug & Charge end in the station; nothing of them reaches the CSMS yet",
}
"""Threats the system does not meet, and why."""


@cache
def catalogue() -> Mapping[str, Attack]:
    """Return every attack by its name: the file's, with dashes; in the order of the lines."""
    found = {}
    for module in pkgutil.iter_modules(attacks.__path__):
        attack = importlib.import_module(f"{attacks.__name__}.{module.name}").ATTACK
        found[module.name.replace("_", "-")] = attack
    return dict(sorted(found.items(), key=lambda each: (each[1].line, each[0])))


def chosen(names: tuple[str, ...]) -> list[str]:
    """Return the attacks that names or lines such as T07 ask for, all without any; `InputError` for an unknown one."""
    if not names:
        return list(catalogue())
    found: dict[str, None] = {}
    for name in names:
        of_line = [each for each, attack in catalogue().items() if attack.line == name.upper()]
        if name.upper() in THREATS and not of_line:
            why = NOT_MET.get(name.upper(), "there is no attack on it")
            raise InputError(f"{name.upper()} cannot be played: {why}", code="not_met", subject=name)
        if not of_line and name not in catalogue():
            raise InputError(
                "no such attack: `wattseal attack --list` names them all", code="unknown_attack", subject=name
            )
        found |= dict.fromkeys(of_line or [name])
    return list(found)
