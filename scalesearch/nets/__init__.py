"""Build torch networks from architectures, and count their cost with fvcore and with torch."""
