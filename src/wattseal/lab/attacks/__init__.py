"""The attacks: one file each, `ATTACK = Attack(...)`, with its control. `lab.catalogue` finds them."""
