"""MLflow as a view of the store: every trial a run, made from the tables at will.

tables → curves, metrics, inputs → children, parent    the pure part: rows to records
exporter, over a server (client)                       records to runs, from whatever state they are in
identity                                               which store a run is of, copies told apart
sync                                                   a study's tables and its runs on one server
tracker | news | follower                              the launching driver, a pipe, and the process that syncs
"""
