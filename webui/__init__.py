"""The web interface: where a person meets their twin."""
