"""Limits: charging profiles and schedules, energy resources, what the grid and cars ask for."""
