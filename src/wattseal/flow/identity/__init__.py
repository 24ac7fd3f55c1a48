"""How stations show who they are: certificates, passwords, security profiles."""
