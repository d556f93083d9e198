"""The notebook API on a small finished study."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from study import Study, open_study
from study.notebook import UnknownDistortionError
from study.query import QueryError
from study.store import Store, StoreError
from tests.study.hand_made import CONDITIONS, TRIALS, finished, small_plan


@pytest.fixture
def small(tmp_path: Path) -> Study:
    store = Store.open(tmp_path / "study-store")
    finished(store, small_plan(tmp_path))
    return open_study("small", str(tmp_path / "study-store"))


def test_tables_are_arrow_and_flat_where_a_frame_wants_it(small: Study) -> None:
    trials = small.trials()
    assert isinstance(trials, pa.Table)
    assert len(trials) == TRIALS
    assert {"method.alpha", "method.p", "distortion.sigma"} <= set(trials.column_names)
    assert trials.to_pandas()["method.alpha"].max() == 1
    assert len(small.evaluations()) == TRIALS * CONDITIONS
    assert len(small.epochs()) == TRIALS


def test_bands_are_those_of_one_distortion(small: Study) -> None:
    rows = small.bands("jpeg", "rotation").to_pylist()
    assert {(row["test_distortion"], row["train_distortion"], row["label"]) for row in rows} == {
        ("jpeg", "rotation", "ST")
    }
    assert len(small.bands("jpeg")) + len(small.bands("gaussian_noise")) == len(small.bands())
    with pytest.raises(
        UnknownDistortionError, match="no test_distortion is called 'fog'; there are gaussian_noise, jpeg"
    ):
        small.bands("fog")


def test_sql_and_figures(small: Study) -> None:
    assert small.sql("SELECT count(*) AS n FROM trials").to_pylist() == [{"n": TRIALS}]
    with pytest.raises(QueryError, match="only reads"):
        small.sql("DROP TABLE trials")
    drawn = small.figure("bands", train="gaussian_noise", test="jpeg")
    assert "worst ST; α = 0.1 (σ 0.1)" in [trace.name for trace in drawn.data]


def test_a_study_is_found_where_the_store_is_by_custom(
    small: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDY_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert open_study("small") == small
    monkeypatch.chdir("/")
    monkeypatch.setenv("STUDY_STORE", str(tmp_path / "study-store"))
    assert open_study("small") == small


def test_what_is_not_there_is_told(small: Study, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"no study is called 'smal'.*did you mean 'small'"):
        open_study("smal", small.store.location)
    with pytest.raises(StoreError, match="no store is there"):
        open_study("small", str(tmp_path / "elsewhere"))


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, study; print([name for name in ('pyarrow', 'duckdb', 'plotly', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_can_be_written(small: Study, tmp_path: Path) -> None:
    small.dashboard(str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").is_file()
