"""The domain in OCPP 2.x vocabulary: facts, commands, decisions and nouns. No wire, no crypto, no SQL."""
