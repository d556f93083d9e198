"""The section `tracking:`, which says where runs are shown. Part of no identity."""

from study.spec.axes import kind_of
from study.spec.components import entries_or_fault, only
from study.spec.faults import Faults
from study.spec.reading import Node, Scalar
from study.tracking_uri import VARIABLE, fault, shown

MLFLOW = "mlflow"
TRACKED = "a server (http://host:5000) or a database; default: $MLFLOW_TRACKING_URI, else a database in the store"


def read_tracking(node: Node | None, faults: Faults) -> str | None:
    """The address of MLflow; None where the section or the line is not given."""
    given = entries_or_fault(node, "tracking", faults) or {}
    only(given, (MLFLOW,), "line of tracking", faults)
    uri = given.get(MLFLOW)
    if uri is None:
        return None
    if not isinstance(uri, Scalar) or not isinstance(uri.value, str):
        faults.add(uri.place, f"an address of MLflow is a text, such as http://host:5000; got {kind_of(uri)}")
        return None
    wrong = fault(uri.text) or _secret(uri.text)
    if wrong is not None:
        faults.add(uri.place, wrong)
    return uri.text


def _secret(uri: str) -> str | None:
    """What is wrong with an address that holds credentials: a launch keeps its YAML, and MLflow shows it."""
    if shown(uri) == uri:
        return None
    return (
        f"a study's YAML is kept with its results, so no user or password stands in it, got {shown(uri)!r}; leave them "
        f"out and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or set {VARIABLE} to the whole address"
    )
