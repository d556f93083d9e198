"""Laws of packs: the tables are those of the files, whatever the packs say."""

import os
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import pytest

from study.plan import Plan
from study.store import CorruptObjectError, Store
from study.store import store as storing
from study.store.objects import Objects
from study.store.packs import FOLDER, PACKED
from tests.study.store import small


@pytest.fixture
def plan() -> Plan:
    return small.plan()


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Store:
    """With packs of every table that has two files, and a file of each in none."""
    monkeypatch.setattr(storing, "ENOUGH", 2)
    filled = Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")
    *most, last = plan.unique_trials()
    for trials in (most, [last]):
        small.run(filled, plan, {trial.trial_id: 40 for trial in trials})
        for trial in trials:
            filled.record_attempt(small.attempt(trial.trial_id))
        filled.pack()
    return filled


def _read(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that reading the packed tables opens."""
    opened: list[str] = []
    get = type(store.objects).get

    def noted(self: Objects, name: str) -> bytes:
        if name.startswith("results/"):
            opened.append(name)
        return get(self, name)

    with monkeypatch.context() as watched:
        watched.setattr(type(store.objects), "get", noted)
        for table in PACKED:
            store.read(table)
    return sorted(opened)


def _plainly(store: Store, table: str, monkeypatch: pytest.MonkeyPatch) -> object:
    with monkeypatch.context() as without:
        without.setattr(storing, "ENOUGH", 10**6)
        return store.read(table)


def test_only_what_is_in_no_pack_is_opened_and_the_rows_are_those_of_the_files(
    store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = plan.unique_trials()[-1].trial_id
    opened = _read(store, monkeypatch)
    assert len(opened) == len(PACKED)
    assert all(last in name for name in opened)
    for table in PACKED:
        assert store.read(table).equals(_plainly(store, table, monkeypatch), check_metadata=True)
    first = {trial.trial_id for trial in plan.unique_trials()[:2]}
    assert set(store.read("trials", first)["trial_id"].to_pylist()) == first


def test_a_file_that_is_deleted_is_gone_and_one_that_changed_is_read_anew(
    store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, changed = (trial.trial_id for trial in plan.unique_trials()[:2])
    store.objects.delete(f"results/trials/{gone}.parquet")
    assert gone not in store.read("trials")["trial_id"].to_pylist()
    store.objects.put(f"results/trials/{changed}.parquet", b"damaged")
    with pytest.raises(CorruptObjectError, match=f"{changed}.parquet: not a whole Parquet file"):
        store.read("trials")


def test_packs_that_are_damaged_or_deleted_cost_nothing_but_reading(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {table: store.read(table) for table in PACKED}
    files = list(store.objects.beneath(FOLDER))
    assert files
    for name in files:
        store.objects.put(name, b"damaged")
        assert all(store.read(table).equals(whole[table]) for table in PACKED)
    for name in files:
        store.objects.delete(name)
    assert all(store.read(table).equals(whole[table]) for table in PACKED)
    assert len(_read(store, monkeypatch)) == sum(len(store.objects.children(f"results/{table}")) for table in PACKED)


def test_many_packs_are_joined_and_one_of_deleted_files_is_made_anew(
    store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "ENOUGH", 1)
    store.pack()
    assert len(store.objects.children(f"{FOLDER}/trials")) == 4
    assert _read(store, monkeypatch) == []
    monkeypatch.setattr(storing, "MOST", 2)
    kept = [trial.trial_id for trial in plan.unique_trials()][-1]
    rows = store.read("trials")
    store.objects.delete(f"results/trials/{kept}.parquet")
    small.run(store, plan, {kept: 40})
    store.pack()
    assert len(store.objects.children(f"{FOLDER}/trials")) == 2
    assert store.read("trials").equals(rows)
    assert _read(store, monkeypatch) == []


def _touch(store: Store, names: Iterable[str]) -> None:
    """Give files other times, as those of a copied store have."""
    for name in names:
        if store.root is None:
            store.objects.put(name, store.objects.get(name))
        else:
            told = (store.root / name).stat()
            os.utime(store.root / name, (told.st_atime, told.st_mtime + 60))


def _results(store: Store) -> list[str]:
    return [name for table in PACKED for name in store.objects.beneath(f"results/{table}")]


def test_a_store_whose_files_all_have_other_times_is_packed_anew_and_its_old_packs_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {table: store.read(table) for table in PACKED}
    store.pack()
    for _ in range(3):
        _touch(store, _results(store))
        assert _read(store, monkeypatch) == sorted(_results(store))
        Store.open(store.location).pack()
        for reader in (store, Store.open(store.location)):
            assert _read(reader, monkeypatch) == []
            assert all(reader.read(table).equals(whole[table], check_metadata=True) for table in PACKED)
        assert all(len(store.objects.children(f"{FOLDER}/{table}")) == 2 for table in PACKED)


def test_a_few_files_that_change_again_and_again_leave_few_packs(
    store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "ENOUGH", 2)
    few = [f"results/{table}/{trial.trial_id}.parquet" for table in ("trials", "epochs") for trial in plan.trials[:2]]
    for _ in range(10):
        _touch(store, few)
        Store.open(store.location).pack()
        assert not set(few) & set(_read(store, monkeypatch))
        assert all(len(store.objects.children(f"{FOLDER}/{table}")) < 2 * storing.MOST for table in PACKED)


def test_packs_that_hold_the_same_rows_of_files_at_other_times_have_other_names(store: Store) -> None:
    """A process that knows a pack by its name knows what it holds."""
    everything = store.objects.children("results/trials")
    for name in store.objects.beneath(FOLDER):
        store.objects.delete(name)
    names = []
    for _ in range(2):
        _touch(store, (f"results/trials/{name}" for name in everything))
        Store.open(store.location).pack()
        names.append(store.objects.children(f"{FOLDER}/trials"))
    assert [len(some) for some in names] == [2, 2]
    assert not set(names[0]) & set(names[1])
