"""The pages about stations and what runs them."""

from wattseal.serve.web.pages import network, station, station_commands, station_frames, station_more

ROUTES = (
    *network.ROUTES,
    *station.ROUTES,
    *station_commands.ROUTES,
    *station_frames.ROUTES,
    *station_more.ROUTES,
)
