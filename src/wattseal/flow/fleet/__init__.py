"""The fleet: enrolment, replacement, templates and rollouts, uptime, access for machines."""
