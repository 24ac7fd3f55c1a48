"""An edge without sockets or disk: what happens to it becomes records, messages and a new state."""
