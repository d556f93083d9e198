"""Search spaces: one self-contained YAML a study, each range with its source beside it; found by name."""
