"""The operator's pages: HTML from the same functions that the API answers with, and a little script on top."""
