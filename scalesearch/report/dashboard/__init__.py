"""The dashboard: studies on disk as pages that follow them while they run; it reads records and changes nothing."""
