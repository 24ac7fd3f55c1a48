"""What adversaries have: ends of connections, taps on them, forged certificates, searches, a browser, null parts."""
