"""What a person works with in a notebook: studies as tables and figures, networks that are scaled and counted."""
