"""The command line: one module a verb, the composition root, and the only place that prints."""
