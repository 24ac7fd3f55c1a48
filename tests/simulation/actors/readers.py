"""Drivers who hold a card to the reader: before they plug in, or when the charge has already begun without one."""

from tests.simulation.actors.actor import Actor


class Readers(Actor):
    """Stations of this storm ask about a card first; some 2.x transactions begin with the cable, and a card follows."""

    name = "readers"

    def began(self) -> None:
        """Have the stations do so."""
        for site in self.storm.sites:
            site.cards = True
