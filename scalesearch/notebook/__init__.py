"""The API for notebooks: studies as tables and figures, networks that are scaled and counted."""
