"""What each role holds, signs and may read. Pure: sockets, files and clocks are elsewhere."""
