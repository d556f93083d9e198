"""Files that `study cluster template` fills in."""
