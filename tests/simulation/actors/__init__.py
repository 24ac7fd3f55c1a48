"""Who else does things in a storm, beside stations and their drivers; one file each."""

from tests.simulation.actors.actor import Actor
from tests.simulation.actors.clockwork import Clockwork
from tests.simulation.actors.codes import Codes
from tests.simulation.actors.edge import Edge
from tests.simulation.actors.judges import Judges
from tests.simulation.actors.leaver import Leaver
from tests.simulation.actors.office import Office
from tests.simulation.actors.operator import Operator
from tests.simulation.actors.payer import Payer
from tests.simulation.actors.personnel import Personnel
from tests.simulation.actors.ramp import Fleet
from tests.simulation.actors.readers import Readers
from tests.simulation.actors.reserver import Reserver
from tests.simulation.actors.watchers import Watchers
from tests.simulation.actors.works import Works

_PEOPLE = (Readers, Judges, Office, Watchers, Personnel, Leaver, Operator, Payer, Reserver, Codes, Works)
_ALL = (*_PEOPLE, Edge, Fleet, Clockwork)
ACTORS: dict[str, type[Actor]] = {one.name: one for one in _ALL}
