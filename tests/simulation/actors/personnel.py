"""The CPO's people: invited, given roles, off-boarded, their names erased."""

from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken

from wattseal.base.errors import InputError
from wattseal.flow.documents import read
from wattseal.flow.people.register import ABOUT, PERSON, Register
from wattseal.flow.world import World
from wattseal.model.person import About, Person, PersonStatus

ROLES = (("owner",), ("operator",), ("support", "auditor"))


class Personnel(Actor):
    """Rights are as they were last acknowledged; a name is in no record, and nowhere once it was erased."""

    name = "personnel"
    left = 8

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.known: dict[str, Person] = {}
        self.names: dict[str, str] = {}
        self.unsure: set[str] = set()
        self.erased: set[str] = set()

    def began(self) -> None:
        """Have the people read anew."""
        self.register = Register(self.storm.world)

    def act(self) -> None:
        """Change something about somebody."""
        if not self.idle:
            return
        self.left -= 1
        if not self.known or self.dice.random() < 0.4:
            self._add()
        else:
            self._change(self.dice.choice(sorted(self.known)))

    def _add(self) -> None:
        name = f"Petra Person{self.storm.seed}x{self.left}"

        def told(came_to: Any) -> None:
            if isinstance(came_to, Person):
                self.did["person added"] += 1
                self.known[came_to.id], self.names[came_to.id] = came_to, name

        self.ask(self.register.add(About(name=name), self.dice.choice(ROLES), "the console"), told)

    def _change(self, person_id: str) -> None:
        left = self.known[person_id].status is PersonStatus.LEFT
        was_unsure = person_id in self.unsure
        self.unsure.add(person_id)

        def told(came_to: Any) -> None:
            if isinstance(came_to, Person):
                self.known[person_id] = came_to
                self.did["person changed"] += 1
                self.unsure.discard(person_id)
            elif came_to is True:
                self.erased.add(person_id)
                self.did["name erased"] += 1
            if isinstance(came_to, InputError | bool) and not was_unsure:
                self.unsure.discard(person_id)

        register = self.register
        if left:
            self.ask(register.erase_name(person_id, "the console"), told)
        elif self.dice.random() < 0.5:
            self.ask(register.leave(person_id, "the console"), told)
        else:
            self.ask(register.change_roles(person_id, self.dice.choice(ROLES), "the console"), told)

    async def hold(self, world: World) -> None:
        """Find everybody as they were left, and names where they may be."""
        del world
        kept = {d.key: read(d, Person) for d in self.storm.documents(PERSON)}
        about = {d.key for d in self.storm.documents(ABOUT)}
        for person_id, person in self.known.items():
            found = kept.get(person_id)
            if found is None:
                broken(1, f"person {person_id} was added and is lost")
            if person_id not in self.unsure and (found.roles, found.status) != (person.roles, person.status):
                broken(1, f"person {person_id} is {found}, and was told to be {person}")
            if person_id in self.erased and person_id in about:
                broken(12, f"the name of {person_id} was erased and is there")
        for item in self.storm.disk.kept:
            if b"Petra Person" in item.item.item:
                broken(12, "a record has the name of one of the CPO's people")
