"""Who sells is configured with numbers that hold their checks, and with series that cannot be mistaken."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from wattseal.app.config import load_settings
from wattseal.app.entities import legal_entities
from wattseal.app.policy import policy_of
from wattseal.app.settings_money import Entity
from wattseal.base.errors import ConfigError

GMBH: dict[str, Any] = {
    "id": "gmbh",
    "name": "Ladewerk GmbH",
    "street": "Am Güterbahnhof 4",
    "postal_code": "50667",
    "city": "Köln",
    "country": "DE",
    "email": "rechnung@ladewerk.example",
    "vat_id": "DE 123 456 789",
    "series": "LW-{year}-",
    "credit_series": "LWG-{year}-",
}


def entity(**more: Any) -> Entity:
    return Entity(**GMBH | more)


def test_numbers_are_kept_without_their_spacing() -> None:
    (made,) = legal_entities([entity(iban="DE89 3704 0044 0532 0130 00", sites=("S1",))])
    assert (made.vat_id, made.iban, made.sites) == ("DE123456789", "DE89370400440532013000", frozenset({"S1"}))
    assert asdict(made)["name"] == "Ladewerk GmbH"


@pytest.mark.parametrize(
    ("entities", "what"),
    [
        ((entity(vat_id="DE12"),), "VAT number"),
        ((entity(vat_id=None),), "vat_id or tax_number"),
        ((entity(iban="DE89370400440532013001"),), "IBAN"),
        ((entity(time_zone="Nowhere/Land"),), "time zone"),
        ((entity(), entity(series="X-", credit_series="Y-")), "id gmbh"),
        ((entity(), entity(id="ag", credit_series="Y-")), "series LW-{year}- is used twice"),
        ((entity(credit_series="LW-{year}-"),), "used twice"),
        ((entity(sites=("S",)), entity(id="ag", series="X-", credit_series="Y-", sites=("S",))), "site S"),
    ],
)
def test_what_cannot_be_is_named(entities: tuple[Entity, ...], what: str) -> None:
    with pytest.raises(ConfigError) as told:
        legal_entities(entities)
    assert what in str(told.value)


@pytest.mark.parametrize("series", ["LW", "LW-1", "LW/", "=cmd-", "../", "{month}-", ""])
def test_a_series_ends_so_that_its_numbers_can_be_told_apart(series: str, tmp_path: Path) -> None:
    file = tmp_path / "cpo.toml"
    lines = [f'{key} = "{value}"' for key, value in (GMBH | {"series": series}).items()]
    file.write_text("[[billing.entities]]\n" + "\n".join(lines))
    with pytest.raises(ConfigError, match="series"):
        load_settings(file, {})


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "cpo.toml"
    lines = [f'{key} = "{value}"' for key, value in GMBH.items()]
    text = '[serve]\npublic_url = "https://c.example"\n[billing]\nretention_years = 8\n[[billing.entities]]\n'
    file.write_text(text + "\n".join(lines))
    policy = policy_of(load_settings(file, {}))
    assert [e.series for e in policy.billing.entities] == ["LW-{year}-"]
    assert policy.retention.invoices_years == 8
    assert policy.receipts_url() == "https://c.example/r/"
