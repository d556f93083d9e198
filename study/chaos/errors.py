"""What keeps chaos from beginning."""


class ChaosError(ValueError):
    """Something that cannot be disturbed here; says why and what to do."""
