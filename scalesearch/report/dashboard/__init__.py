"""The dashboard: web pages that follow the studies below a folder; it reads their records and changes nothing."""
