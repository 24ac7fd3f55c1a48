"""Pure decisions: facts, state and time in; values out."""
