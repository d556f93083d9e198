"""What may go wrong while a data set is built; all of it speaks to the user."""


class DataError(ValueError):
    """A source tree, an output folder or an option that cannot be used."""


class IncompleteError(DataError):
    """Everything that can be read was; some images are missing or cannot be. Mended, the next run reads only those."""
