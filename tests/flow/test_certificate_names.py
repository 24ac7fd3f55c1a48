"""Names in certificates: one station's only, and its successor's."""

import pytest
from tests.support.cpo_world import make_world

from wattseal.base.errors import InputError
from wattseal.flow.documents import STATION, read
from wattseal.flow.fleet.enrol import enrol_station
from wattseal.flow.fleet.succession import succeed
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.rules.pki import names_station


async def enrolled(world: World, name: str) -> Station:
    document = await world.journal.document(world.tenant, STATION, name.casefold())
    assert document is not None
    return read(document, Station)


@pytest.mark.parametrize(
    "second",
    [
        Station(id="B", certificate_name="SN-1"),
        Station(id="B", certificate_name="sn-1"),
        Station(id="B", certificate_name="A"),
        Station(id="SN-1"),
        Station(id="sn-1"),
    ],
)
async def test_a_name_in_certificates_is_one_stations_only(second: Station) -> None:
    world = make_world()
    await enrol_station(world, Station(id="A", certificate_name="SN-1"), b"a password")
    with pytest.raises(InputError) as refused:
        await enrol_station(world, second, b"a password")
    assert refused.value.code == "certificate_name_taken"
    await enrol_station(world, Station(id="A", certificate_name="SN-1"), None)
    await enrol_station(world, Station(id="a", certificate_name="SN-2"), None)


async def test_a_renamed_station_goes_on_with_its_certificate() -> None:
    world = make_world()
    await enrol_station(world, Station(id="OLD", security_profile=3), None)
    await succeed(world, "NEW", "OLD", by="admin")
    heir = await enrolled(world, "NEW")
    assert (heir.security_profile, heir.certificate_name) == (3, "OLD")
    assert names_station(("OLD",), (), heir)
    await enrol_station(world, heir, None)


@pytest.mark.parametrize(
    ("common_names", "serial_numbers", "fits"),
    [
        (("CK1",), (), True),
        (("ck1",), (), True),
        ((), ("CK1",), True),
        (("Model",), ("SN-1",), True),
        (("CK1", "CK1"), (), False),
        (("CK1",), ("x", "y"), False),
        (("C\u212a1",), (), False),  # the sign of Kelvin folds into k
        (("CK1 ",), (), False),
        (("CK1\x00",), (), False),
        (("CK",), (), False),
        (("CK10",), (), False),
        (("*",), (), False),
        (("",), (), False),
        ((), (), False),
    ],
)
def test_a_subject_names_a_station_wholly_or_not(
    common_names: tuple[str, ...], serial_numbers: tuple[str, ...], *, fits: bool
) -> None:
    assert names_station(common_names, serial_numbers, Station(id="CK1", certificate_name="SN-1")) is fits
