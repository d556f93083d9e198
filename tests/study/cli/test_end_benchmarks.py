"""What a launch ends with of benchmarks: the views' means, a line a label."""

from dataclasses import replace

from study.cli.end_benchmarks import print_benchmarks
from tests.study.cli.test_screens import drawn_on
from tests.study.query import benchmarked
from tests.study.query.benchmarked import commit_errors, empty_store, launched
from tests.study.query.test_benchmarks import BASE, CLEAN, EVERY, OTHER, drawn, rows


def test_each_label_has_a_line_with_what_it_is_over() -> None:
    store, plan = empty_store(), benchmarked.plan("corruption", EVERY, [BASE, OTHER], "Baseline")
    for trial, seed in ((BASE, 1), (OTHER, 2)):
        commit_errors(store, plan, trial, CLEAN[trial.trial_id], drawn(seed))
    other = rows(launched(store, plan), "FROM mce WHERE label = 'Other'")[0]["mce"]
    terminal, stream = drawn_on(120)
    print_benchmarks(store, plan, terminal)
    told = [line.split() for line in stream.getvalue().splitlines() if line.endswith("15 of 15")]
    assert [line[-7:] for line in told] == [
        ["Baseline", "1", "mCE", "100.0", "15", "of", "15"],
        ["Other", "1", "mCE", f"{100 * other:.1f}", "15", "of", "15"],
    ]


def test_without_a_normaliser_it_is_the_mean_error() -> None:
    store, plan = empty_store(), benchmarked.plan("corruption", EVERY, [BASE], None)
    commit_errors(store, plan, BASE, CLEAN["base"], drawn(1))
    (mean,) = rows(launched(store, plan), "mce")
    terminal, stream = drawn_on(120)
    print_benchmarks(store, plan, terminal)
    assert f"mean error    {100 * mean['mean_error']:.1f}" in stream.getvalue()


def test_a_study_without_benchmarks_ends_without_them() -> None:
    store, plan = empty_store(), benchmarked.plan("corruption", EVERY, [BASE], None)
    terminal, stream = drawn_on(120)
    print_benchmarks(store, replace(plan, benchmarks=()), terminal)
    assert stream.getvalue() == ""
