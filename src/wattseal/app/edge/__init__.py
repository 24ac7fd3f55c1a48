"""The edge's process: the station on one side, the CSMS on the other, a durable memory between them."""
