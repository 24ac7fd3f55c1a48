"""What a report, an answer to a question, or a change accepted does to what is kept of a component."""

from collections.abc import Iterable

from wattseal.model.device import (
    ACTUAL,
    Attribute,
    Characteristics,
    Component,
    KeptAttribute,
    KeptComponent,
    KeptVariable,
    ReportEntry,
    Variable,
    VariableGot,
    VariableWrite,
    VariableWritten,
)
from wattseal.rules.secrets import is_secret

MAX_VARIABLES = 500
"""Variables kept of one component; further ones are left out."""
Place = tuple[str, str, int | None, int | None]
"""What makes two components the same: name and instance without case, EVSE, connector."""


def place_of(component: Component) -> Place:
    """Return what makes a component the same as another."""
    evse = component.evse
    return (
        component.name.casefold(),
        (component.instance or "").casefold(),
        None if evse is None else evse.id,
        None if evse is None else evse.connector_id,
    )


def by_component(entries: Iterable[ReportEntry]) -> dict[Place, tuple[Component, tuple[ReportEntry, ...]]]:
    """Return entries by component, in their order."""
    found: dict[Place, tuple[Component, tuple[ReportEntry, ...]]] = {}
    for entry in entries:
        component, before = found.get(place_of(entry.component), (entry.component, ()))
        found[place_of(component)] = component, (*before, entry)
    return found


def merged(
    before: KeptComponent | None,
    station_id: str,
    component: Component,
    told: Iterable[ReportEntry],
    now_ms: int,
    *,
    reboot: bool = False,
) -> KeptComponent:
    """Return what is kept of a component once `told` is known as well; `reboot`: it holds after the next one."""
    variables = {} if before is None else {_name(v.name, v.instance): v for v in before.variables}
    for entry in told:
        name = _name(entry.variable.name, entry.variable.instance)
        known = variables.get(name)
        if known is None and len(variables) >= MAX_VARIABLES:
            continue
        variables[name] = _variable(known, entry, now_ms, reboot=reboot)
    return KeptComponent(station_id, component if before is None else before.component, tuple(variables.values()))


def answers_as_entries(results: Iterable[VariableGot]) -> tuple[ReportEntry, ...]:
    """Return the values in answers to GetVariables or GetConfiguration; variables that do not exist are left out."""
    return tuple(
        ReportEntry(
            got.component,
            got.variable,
            (Attribute(got.attribute_type or ACTUAL, got.attribute_value, got.mutability),),
        )
        for got in results
        if got.attribute_status == "Accepted"
    )


def changes_as_entries(
    asked: Iterable[VariableWrite], written: Iterable[VariableWritten]
) -> tuple[tuple[ReportEntry, ...], tuple[ReportEntry, ...]]:
    """Return the values that hold now, and those that hold after a reboot.

    Answers name the variables they are about, in any order; those of 1.6 are in the order of asking.
    """
    by_name = {_full(a.component, a.variable, a.attribute_type): a for a in asked}
    in_order = iter(by_name.values())
    now: list[ReportEntry] = []
    later: list[ReportEntry] = []
    for answer in written:
        if answer.component is None or answer.variable is None:
            found = next(in_order, None)
        else:
            found = by_name.get(_full(answer.component, answer.variable, answer.attribute_type))
        if found is None:
            continue
        entry = ReportEntry(
            found.component, found.variable, (Attribute(found.attribute_type or ACTUAL, found.attribute_value),)
        )
        if answer.attribute_status == "Accepted":
            now.append(entry)
        elif answer.attribute_status == "RebootRequired":
            later.append(entry)
    return tuple(now), tuple(later)


def find(component: KeptComponent | None, variable: Variable, attribute: str = ACTUAL) -> str | None:
    """Return a value; None where it is not known or secret."""
    if component is None:
        return None
    wanted = _name(variable.name, variable.instance)
    for known in component.variables:
        if _name(known.name, known.instance) == wanted:
            kept = known.attributes.get(attribute)
            return None if kept is None else kept.value
    return None


def _variable(known: KeptVariable | None, entry: ReportEntry, now_ms: int, *, reboot: bool) -> KeptVariable:
    attributes = {} if known is None else dict(known.attributes)
    for told in entry.variable_attribute:
        before = attributes.get(told.type)
        hidden = told.mutability == "WriteOnly" or is_secret(entry.variable.name)
        hidden = hidden or (before is not None and before.hidden)
        attributes[told.type] = KeptAttribute(
            None if hidden else told.value,
            now_ms,
            told.mutability or (None if before is None else before.mutability),
            told.persistent,
            told.constant,
            hidden,
            reboot,
        )
    characteristics: Characteristics | None = entry.variable_characteristics
    if characteristics is None and known is not None:
        characteristics = known.characteristics
    return KeptVariable(entry.variable.name, attributes, entry.variable.instance, characteristics)


def _name(name: str, instance: str | None) -> tuple[str, str]:
    return name.casefold(), (instance or "").casefold()


def _full(component: Component, variable: Variable, attribute: str | None) -> tuple[Place, tuple[str, str], str]:
    return place_of(component), _name(variable.name, variable.instance), attribute or ACTUAL
