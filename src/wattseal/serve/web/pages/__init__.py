"""One file a page, each with its `ROUTES`."""
