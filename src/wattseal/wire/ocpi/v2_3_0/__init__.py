"""OCPI 2.3.0: tariffs, which differ from 2.2.1 in taxes."""
