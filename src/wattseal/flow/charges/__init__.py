"""Charges: transactions and their records, from the start to the bundle and the CDR."""
