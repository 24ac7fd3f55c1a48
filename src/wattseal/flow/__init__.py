"""From a fact to a durable, answered record: the only async code between sockets and stores."""
