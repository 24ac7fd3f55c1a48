"""The CPO's process: what it is made of, its tenant, its doors and its clock."""
