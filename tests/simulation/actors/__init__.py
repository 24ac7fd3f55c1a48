"""Who else does things in a storm, beside stations and their drivers; one file each."""

from tests.simulation.actors.actor import Actor
from tests.simulation.actors.readers import Readers

ACTORS: dict[str, type[Actor]] = {one.name: one for one in (Readers,)}
