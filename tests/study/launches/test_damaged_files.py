"""A file cut short is named in the error, by whatever needs it; nothing goes on as if it were not there."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from study.cli.commands import app
from study.plan import PlannedTrial
from study.query import open_tables
from study.store import CorruptObjectError, Store
from tests.study.launches.tiny import NOWHERE, TEXT, attempts, launched, planned

pytestmark = pytest.mark.ray

ORPHANS = TEXT.replace(
    "evaluate:", "  Lone: {method: data_augmentation, p: 1, distortion: gaussian_noise, from: scratch}\nevaluate:"
)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="study")


def cut(path: Path, share: float) -> None:
    """Leave the first `share` of the file."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])


def trials(label: str) -> list[PlannedTrial]:
    return [trial for trial in planned(ORPHANS).trials if trial.label == label]


@pytest.fixture(scope="module")
def with_parent(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the baseline trained and evaluated; not to be changed."""
    store = tmp_path_factory.mktemp("parent")
    result, _ = launched(ORPHANS, store, cluster, limit=1)
    assert result.progress.trials_done == 1
    return store


@pytest.mark.slow
def test_children_of_a_torn_checkpoint_fail_and_name_it(with_parent: Path, cluster: str, tmp_path: Path) -> None:
    store = Path(shutil.copytree(with_parent, tmp_path / "store"))
    (torn,) = store.glob(f"trials/{trials('Baseline')[0].trial_id}/*/best.ckpt")
    cut(torn, 0.5)
    result, log = launched(ORPHANS, store, cluster)
    assert result.status == "incomplete"
    children = {trial.trial_id for trial in (*trials("ST"), *trials("DA"))}
    assert len(children) == 4
    assert result.failures.keys() == children
    for failure in result.failures.values():
        assert str(torn) in failure.error
    assert {event.message.count(str(torn)) for event in log.events if event.change == "failed"} == {1}
    done = {row["trial_id"] for row in attempts(store).values() if row["status"] == "done"}
    assert done == {trial.trial_id for trial in (*trials("Baseline"), *trials("Lone"))}
    told = typed("status", "tiny", "--store", str(store)).output
    assert str(torn) in "".join(told.split())

    torn.unlink()
    (store / "results" / "trials" / f"{trials('Baseline')[0].trial_id}.parquet").unlink()
    mended, _ = launched(ORPHANS, store, cluster)
    assert mended.status == "complete", "the way out that the error names"


@pytest.mark.parametrize("share", [0.0, 0.9])
@pytest.mark.parametrize("table", ["trials", "epochs", "evaluations", "predictions", "attempts"])
def test_a_query_names_a_torn_table_file(store: Path, table: str, share: float) -> None:
    torn = sorted((store / "results" / table).iterdir())[-1]
    cut(torn, share)
    with pytest.raises(CorruptObjectError) as refused:
        open_tables(Store.open(store), "tiny").sql(table)
    assert refused.value.address == str(torn)
    answer = typed("query", "tiny", table, "--store", str(store))
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert torn.name in answer.stderr.replace("\n", "")


@pytest.mark.parametrize("table", ["trials", "evaluations", "attempts"])
def test_a_launch_names_a_torn_table_file(store: Path, tmp_path: Path, table: str) -> None:
    torn = sorted((store / "results" / table).iterdir())[-1]
    cut(torn, 0.9)
    with pytest.raises(CorruptObjectError) as refused:
        launched(TEXT, store, NOWHERE)
    assert refused.value.address == str(torn)
    (tmp_path / "tiny.yaml").write_text(TEXT)
    answer = typed("launch", str(tmp_path / "tiny.yaml"), "--store", str(store))
    assert answer.exit_code == 2
    assert torn.name in answer.stderr.replace("\n", "")
    assert Store.open(store).leases() == (), "whoever mends the file can launch at once"


def test_a_launch_names_a_torn_list_of_conditions(store: Path) -> None:
    torn = sorted((store / "results" / "conditions").iterdir())[-1]
    cut(torn, 0.9)
    with pytest.raises(CorruptObjectError, match=torn.name):
        launched(TEXT, store, NOWHERE)
