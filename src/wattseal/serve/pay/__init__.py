"""What drivers see who pay on the spot: small pages without scripts, and the embedded test provider's."""
