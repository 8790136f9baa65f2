"""One module a table or figure; they use the public API only."""
