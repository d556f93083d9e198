"""The notebook API: a study in the store as Arrow tables and Plotly figures.

from study import open_study

demo = open_study("demo_mnist")
demo.bands("gaussian_noise").to_pandas()
demo.figure("bands", train="gaussian_noise", test="rotation")
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

import dashboards
from study.query import open_tables
from study.store import Store
from study.store.location import store_location

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class UnknownDistortionError(ValueError):
    """A distortion that the study neither trains on nor tests; says which it does."""


def open_study(name: str, store: str | None = None) -> "Study":
    """The study `name` in the store at `store`, else at $STUDY_STORE, else in ./study-store.

    Raises StoreError if no store is there, QueryError if it holds no such study; both say what is there.
    """
    opened = Store.open(store_location(store), create=False)
    open_tables(opened, name)
    return Study(name, opened)


@dataclass(frozen=True)
class Study:
    """A study as it stands: every call reads the store anew, so a running one can be watched.

    Tables are Arrow; `.to_pandas()` turns one into a DataFrame. `study query STUDY --columns VIEW` tells what their
    columns mean, in which unit.
    """

    name: str
    store: Store

    def sql(self, text: str) -> pa.Table:
        """The rows of one SELECT over the study's views, in DuckDB's SQL; a bare word is FROM it.

        Raises QueryError, or CorruptObjectError naming a damaged file.
        """
        return open_tables(self.store, self.name).sql(text)

    def trials(self) -> pa.Table:
        """A row a trained trial, once for each label; hyperparameters in columns `method.alpha`, `distortion.sigma`."""
        return flat(self.sql("trials"))

    def evaluations(self) -> pa.Table:
        """A row a trial under a test condition: accuracy in [0, 1], its standard error, loss in nats."""
        return self.sql("evaluations")

    def epochs(self) -> pa.Table:
        """A row an epoch of a trial; the loss's named terms in columns `terms.stability`."""
        return flat(self.sql("epochs"))

    def bands(self, test_distortion: str | None = None, train_distortion: str | None = None) -> pa.Table:
        """The sensitivity bands, all or those of a test or training distortion: a row a label and level.

        Accuracies in [0, 1], over all trials of the label: min, q25, median, q75, max, and the baseline's.
        """
        rows = self.sql("bands")
        for column, wanted in (("test_distortion", test_distortion), ("train_distortion", train_distortion)):
            if wanted is not None:
                rows = _only(rows, column, wanted)
        return rows

    def figure(
        self,
        name: str,
        *,
        train: str | None = None,
        test: str | None = None,
        methods: Sequence[str] | None = None,
        level: float | None = None,
        measure: str | None = None,
        pick: str | None = None,
        band: str | None = None,
    ) -> "Figure":
        """One of the dashboard's figures: bands, standing, knobs, heat_map, training, or what a study has besides.

        Those that its `figures:` names come by these names, as `figure("1c", level=0.1)`, and "figures" is all of them.
        See `dashboards.figure`. Raises FigureError, saying what cannot be drawn and what can.
        """
        return dashboards.figure(
            self.store, self.name, name, train=train, test=test, methods=methods, level=level, measure=measure,
            pick=pick, band=band,
        )  # fmt: skip

    def dashboard(self, path: str) -> None:
        """Write the whole dashboard, one HTML file; `study dashboard` does the same."""
        dashboards.write_page(self.store, self.name, path)


def flat(rows: pa.Table) -> pa.Table:
    """A column for each field of a struct: `method.alpha`."""
    return rows.flatten()


def _only(rows: pa.Table, column: str, wanted: str) -> pa.Table:
    there = sorted({value for value in rows[column].to_pylist() if value is not None})
    if wanted not in there:
        near = difflib.get_close_matches(wanted, there, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(there) or 'none yet'}"
        raise UnknownDistortionError(f"no {column} is called {wanted!r}; {meant}")
    return rows.filter(pc.equal(rows[column], wanted))
