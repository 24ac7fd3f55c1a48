"""Who may charge."""
