"""Applications over the public API: thin, without image processing of their own."""
