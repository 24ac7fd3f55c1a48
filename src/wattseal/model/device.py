"""The device model: components, their variables, and what stations report of them (2.x block B).

Words and shapes are those of 2.x, part 2 section 2 (datatypes). A 1.6 configuration key is the variable that 2.x has
for it, or one of the component "1.6".
"""

from decimal import Decimal

from msgspec import Struct

from wattseal.model.message import Answer, Command, Fact

ACTUAL = "Actual"


class Evse(Struct, frozen=True, rename="camel", omit_defaults=True):
    """EVSEType: numbers of an EVSE and of a connector of it."""

    id: int
    connector_id: int | None = None


class Component(Struct, frozen=True, rename="camel", omit_defaults=True):
    """ComponentType; names are compared without case."""

    name: str
    instance: str | None = None
    evse: Evse | None = None


class Variable(Struct, frozen=True, rename="camel", omit_defaults=True):
    """VariableType."""

    name: str
    instance: str | None = None


class Attribute(Struct, frozen=True, rename="camel", omit_defaults=True):
    """VariableAttributeType: Actual, Target, MinSet or MaxSet; ReadOnly, WriteOnly or ReadWrite."""

    type: str = ACTUAL
    value: str | None = None
    mutability: str | None = None
    persistent: bool = False
    constant: bool = False


class Characteristics(Struct, frozen=True, rename="camel", omit_defaults=True):
    """VariableCharacteristicsType."""

    data_type: str
    supports_monitoring: bool
    unit: str | None = None
    min_limit: Decimal | None = None
    max_limit: Decimal | None = None
    values_list: str | None = None


class ReportEntry(Struct, frozen=True, rename="camel", omit_defaults=True):
    """ReportDataType: one variable."""

    component: Component
    variable: Variable
    variable_attribute: tuple[Attribute, ...]
    variable_characteristics: Characteristics | None = None


class InventoryReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """NotifyReport: part `seq_no` of the report asked for with `request_id`; `tbc` says that more follow."""

    request_id: int
    generated_at: str
    seq_no: int
    report_data: tuple[ReportEntry, ...] = ()
    tbc: bool = False


class VariableAsked(Struct, frozen=True, rename="camel", omit_defaults=True):
    """GetVariableDataType."""

    component: Component
    variable: Variable
    attribute_type: str | None = None


class VariablesGet(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """GetVariables (2.x B06) or GetConfiguration (1.6 section 5.8), where asking for none asks for all."""

    get_variable_data: tuple[VariableAsked, ...]


class VariableGot(Struct, frozen=True, rename="camel", omit_defaults=True):
    """GetVariableResultType; `mutability` is told by 1.6 only."""

    attribute_status: str
    component: Component
    variable: Variable
    attribute_type: str | None = None
    attribute_value: str | None = None
    mutability: str | None = None


class VariablesGot(Answer, Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to `VariablesGet`."""

    get_variable_result: tuple[VariableGot, ...]


class VariableWrite(Struct, frozen=True, rename="camel", omit_defaults=True):
    """SetVariableDataType."""

    attribute_value: str
    component: Component
    variable: Variable
    attribute_type: str | None = None


class VariablesSet(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """SetVariables (2.x B05) or, for one variable, ChangeConfiguration (1.6 section 5.3)."""

    set_variable_data: tuple[VariableWrite, ...]


class VariableWritten(Struct, frozen=True, rename="camel", omit_defaults=True):
    """SetVariableResultType; a 1.6 answer names no variable, it is the one asked for."""

    attribute_status: str
    component: Component | None = None
    variable: Variable | None = None
    attribute_type: str | None = None


class VariablesWritten(Answer, Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to `VariablesSet`."""

    set_variable_result: tuple[VariableWritten, ...]

    @property
    def status(self) -> str:
        """Return the status of all writes, "Mixed" where they differ."""
        words = {written.attribute_status for written in self.set_variable_result}
        return words.pop() if len(words) == 1 else "Mixed"


class KeptAttribute(Struct, frozen=True, omit_defaults=True):
    """An attribute as last told; `hidden` where its value is a secret, which is kept nowhere."""

    value: str | None
    seen_ms: int
    mutability: str | None = None
    persistent: bool = False
    constant: bool = False
    hidden: bool = False
    reboot: bool = False
    """The value was set, and holds after the next reboot."""


class KeptVariable(Struct, frozen=True, omit_defaults=True):
    """A variable as last told; attributes by their type."""

    name: str
    attributes: dict[str, KeptAttribute]
    instance: str | None = None
    characteristics: Characteristics | None = None


class KeptComponent(Struct, frozen=True, omit_defaults=True):
    """Document: a component of a station with its variables, in the order of their being told."""

    station_id: str
    component: Component
    variables: tuple[KeptVariable, ...]
