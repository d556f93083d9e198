"""Builders of data sets: from the files of a collection as distributed to arrays that can be mapped into memory."""
