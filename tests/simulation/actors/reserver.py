"""Somebody who reserves EVSEs and cancels again; stations charge on their reservations, or let them go."""

from datetime import timedelta
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.actors.operator import WHO
from tests.simulation.broken import broken
from tests.support.cpo_world import transactions

from wattseal.base.ids import StationId
from wattseal.flow.documents import read
from wattseal.flow.drivers.reservations import RESERVATION, expire, reservation_key
from wattseal.flow.drivers.reserving import Wish, cancel, reserve
from wattseal.flow.world import World
from wattseal.model.reservation import Reservation, ReservationStatus
from wattseal.model.token import IdToken
from wattseal.wire.ocpp.version import Version

TOKENS = ("CARD", "COINS")


class Reserver(Actor):
    """What a charge used is told as used, by that charge; what he was told of a reservation is on the disk."""

    name = "reserver"
    left = 10

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.known: dict[str, Reservation] = {}
        storm.lines.hears |= {"ReserveNow": self._reserved, "CancelReservation": self._cancelled}

    def began(self) -> None:
        """Have the process reach its stations."""
        self.storm.world.lines = self.storm.lines

    def jobs(self) -> list[tuple[str, Any]]:
        """End those whose time is over."""
        return [("reservations over", lambda: expire(self.storm.world))]

    def _site(self, name: str) -> Any:
        return next(site for site in self.storm.sites if site.name == name)

    def _reserved(self, station: str, told: dict[str, Any]) -> dict[str, Any]:
        number = told.get("reservationId", told.get("id"))
        token = told["idTag"] if "idTag" in told else told["idToken"]["idToken"]
        if self.dice.random() < 0.2:
            return {"status": "Occupied"}
        self._site(station).reserved[token] = number
        return {"status": "Accepted"}

    def _cancelled(self, station: str, told: dict[str, Any]) -> dict[str, Any]:
        held = self._site(station).reserved
        mine = [token for token, number in held.items() if number == told["reservationId"]]
        for token in mine:
            del held[token]
        return {"status": "Accepted" if mine else "Rejected"}

    def act(self) -> None:
        """Reserve or cancel; a 2.x station lets one go now and then."""
        site = self.dice.choice(self.storm.sites)
        if site.reserved and site.version is not Version.V16 and self.dice.random() < 0.05:
            _, number = site.reserved.popitem()
            site.tell("ReservationStatusUpdate", {"reservationId": number, "reservationUpdateStatus": "Expired"})
        if not self.idle or self.dice.random() < 0.6:
            return
        self.left -= 1
        open_ones = [one for _, one in sorted(self.known.items()) if one.status.open]
        if open_ones and self.dice.random() < 0.3:
            self.ask(cancel(self.storm.world, WHO, self.dice.choice(open_ones)), self._told)
            return
        until = self.storm.world.clock.now() + timedelta(minutes=self.dice.randint(2, 20))
        wish = Wish(id_token=IdToken(self.dice.choice(TOKENS), "ISO14443"), expires_at=until, evse_id=1)
        self.ask(reserve(self.storm.world, WHO, StationId(site.name), wish), self._told)

    def _told(self, came_to: Any) -> None:
        if isinstance(came_to, tuple):
            one: Reservation = came_to[1]
            self.did[f"reservation {one.status}"] += 1
            self.known[reservation_key(one.station_id, one.id)] = one

    async def hold(self, world: World) -> None:
        """Find what was told and used."""
        kept = {put.key: read(put, Reservation) for put in self.storm.documents(RESERVATION)}
        if lost := self.known.keys() - kept.keys():
            broken(1, f"reservations {lost} were told and are lost")
        found = {(one.station_id, one.transaction_id): one.id for one in await transactions(world)}
        for session in (session for site in self.storm.sites for session in site.sessions):
            if session.reservation is None:
                continue
            one = kept.get(reservation_key(session.station, session.reservation))
            charge = found[session.station, session.number]
            if one is None or (one.status, one.transaction) != (ReservationStatus.USED, charge):
                broken(11, f"charge {charge} began on reservation {session.reservation}, which is {one}")
