"""OCPI 2.3.0: tariffs and CDRs, which differ from 2.2.1 in taxes."""
