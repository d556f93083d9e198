"""What is drawn: during a launch, at its end, before it, on terminals of every kind."""

import io
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from study.cli.end_screen import complete_line, end_lines, failure_lines, incomplete_line, next_commands, nothing_line
from study.cli.launch_screen import LineScreen, LiveScreen, Screen, line_of, screen
from study.cli.numbers import clock, duration, size, span, with_error
from study.cli.plan_screen import changed_line, cross_table, print_outline
from study.cli.terminal import SPELLED_OUT, Column, Terminal, lay_out, spelled_out
from study.plan import Plan
from study.progress import Event, Observer, Progress, Running, Tally
from study.report import Failure, Naming, Share, changes, end_table, plan_table, registered_symbol
from study.standing import look, practical_cells
from study.store import Store
from study.summary import Found, summarise
from tests.study.hand_made import TEXT, small_plan


def drawn_on(width: int | None, unicode: bool = True, colour: bool = False) -> tuple[Terminal, io.StringIO]:
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=colour, width=width or 80, color_system="standard" if colour else None
    )
    return Terminal(console=console, width=width, unicode=unicode), stream


def progress(plan: Plan, running: int = 1) -> Progress:
    some = plan.trials[1:]
    return Progress(
        study="small", elapsed=65.0, remaining=130.0, trials_done=1, trials=9, evaluations_done=5, evaluations=36,
        tallies={
            "Baseline": Tally(done=1, now=0, left=0, failed=0, blocked=0, diverged=0, pruned=0,
                              accuracies={"clean": (0.96, 0.96), "gaussian_noise 0.3": (0.861, 0.861)}),
            "ST": Tally(done=0, now=running, left=6 - running, failed=0, blocked=0, diverged=0, pruned=0,
                        accuracies={"clean": (0.9, 0.95)}),
            "DA": Tally(done=0, now=0, left=2, failed=0, blocked=0, diverged=0, pruned=0, accuracies={}),
        },
        running=tuple(
            Running(trial=some[k], phase="train", epoch=2, planned_epochs=3, cells_done=0, cells=4, epochs=(),
                    validation_accuracy=0.912,
                    images_per_second=1234.5)
            for k in range(running)
        ),
        workers=2, where="2 workers here (2 CPUs, no GPU)",
    )  # fmt: skip


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


@pytest.fixture
def naming(plan: Plan) -> Naming:
    return Naming(plan, registered_symbol)


def lines_of(
    plan: Plan, naming: Naming, width: int, height: int = 40, unicode: bool = True, running: int = 1
) -> list[str]:
    drawn = Screen(progress=progress(plan, running), naming=naming, store="./study-store", since=0.0)
    return drawn.lines(drawn_on(width, unicode)[0], width, height)


def test_the_live_screen(plan: Plan, naming: Naming) -> None:
    text = "\n".join(lines_of(plan, naming, 108))
    assert re.search("done +now +left +failed +clean % +gaussian_noise 0.3 +jpeg 30", text)
    for said in (
        "small    1 of 9 trials    5 of 36 evaluations    1:05 gone, about 2:10 left",
        "2 workers here (2 CPUs, no GPU)    store ./study-store",
        "90.0 to 95.0",
        "ST   gaussian_noise   α 0.1   σ 0.1   epoch 2 of 3   validation 91.2 %   1,234 images/s",
        "Ctrl-C stops cleanly; the next launch goes on from here.",
    ):
        assert said in text


@pytest.mark.parametrize("width", [108, 80, 60, 40])
def test_a_narrower_screen_loses_whole_columns_from_the_right(plan: Plan, naming: Naming, width: int) -> None:
    wide, narrow = lines_of(plan, naming, 200), lines_of(plan, naming, width)
    assert len(wide) == len(narrow)
    for whole, cut in zip(wide, narrow, strict=True):
        assert len(cut) <= width or "Ctrl-C" in cut
        assert whole.startswith(cut)
        rest = whole[len(cut) :]
        assert rest == "" or rest.startswith(" "), f"{cut!r} was cut inside a cell"


def test_a_screen_without_utf8_is_ascii(plan: Plan, naming: Naming) -> None:
    text = "\n".join(lines_of(plan, naming, 108, unicode=False))
    assert text.isascii()
    assert "alpha 0.1   sigma 0.1" in text


def test_more_units_than_lines_are_counted(plan: Plan, naming: Naming) -> None:
    lines = lines_of(plan, naming, 108, height=13, running=6)
    assert len(lines) <= 13
    assert any(re.search(r"and \d more", line) for line in lines)


def test_the_time_goes_on_between_two_changes(plan: Plan, naming: Naming) -> None:
    drawn = Screen(progress=progress(plan), naming=naming, store="s", since=10.0)
    assert "1:15 gone, about 2:00 left" in drawn.lines(drawn_on(108)[0], 108, 40)[0]


def test_a_line_a_change(plan: Plan, naming: Naming) -> None:
    event = Event(change="done", trial=plan.trials[1], message="clean=0.9123\npractical=0.8000")
    said = line_of(event, progress(plan), naming, datetime(2026, 1, 1, 12, 4, 31))
    trial_id = plan.trials[1].trial_id[:8]
    assert said == (
        f"12:04:31  done      {trial_id}  ST  gaussian_noise  alpha=0.1 sigma=0.1  clean=0.9123 practical=0.8000  1/9"
    )


def test_lines_in_a_pipe_are_whole_and_plain(plan: Plan, naming: Naming) -> None:
    terminal, stream = drawn_on(None)
    watching = LineScreen(terminal, naming)
    watching.changed(progress(plan))
    assert stream.getvalue() == ""
    watching.happened(Event(change="failed", trial=plan.trials[1], message="x" * 500), progress(plan))
    (line,) = stream.getvalue().splitlines()
    assert "x" * 500 in line
    assert "\x1b" not in line


def test_a_line_says_that_work_goes_on_where_none_came_for_a_minute(plan: Plan, naming: Naming) -> None:
    terminal, stream = drawn_on(None)
    moment = [datetime(2026, 1, 1, 12, 0, 0)]
    watching = LineScreen(terminal, naming, lambda: moment[0])
    for seconds, lines in ((59, 0), (61, 1), (100, 1), (122, 2)):
        moment[0] = datetime(2026, 1, 1, 12, 0, 0) + timedelta(seconds=seconds)
        watching.changed(progress(plan))
        assert len(stream.getvalue().splitlines()) == lines
    first = "12:01:01  running   1 at work, 5 of 36 evaluations, about 2:10 left  1/9"
    assert stream.getvalue().splitlines()[0] == first


def test_a_terminal_gets_the_live_screen_and_a_pipe_gets_lines(naming: Naming) -> None:
    watching: Observer = screen(drawn_on(100, colour=True)[0], naming, "s")
    assert isinstance(watching, LiveScreen)
    watching = screen(drawn_on(None)[0], naming, "s")
    assert isinstance(watching, LineScreen)


def test_failures_stay_above_a_live_screen(plan: Plan, naming: Naming) -> None:
    terminal, stream = drawn_on(108, colour=True)
    with LiveScreen(terminal, naming, "s") as watching:
        watching.happened(Event(change="done", trial=plan.trials[2], message=""), progress(plan))
        watching.happened(Event(change="failed", trial=plan.trials[1], message="user: no"), progress(plan))
    assert f"{plan.trials[1].trial_id[:8]}  ST" in stream.getvalue()
    assert f"done      {plan.trials[2].trial_id[:8]}" not in stream.getvalue()


def test_the_end_table(store: Store, plan: Plan, naming: Naming) -> None:
    table = end_table(plan, practical_cells(store, plan))
    whole = end_lines(table, naming, drawn_on(None)[0])
    assert " ".join(whole[0].split()) == "tested on trained on method trials worst best width worst at best at"
    assert re.search(r"gaussian_noise 0.3 +Baseline +1 +80.0 ± 4.0$", whole[1])
    assert re.search(r" gaussian_noise +ST +4 +81.0 ± 3.9 +84.0 ± 3.7 +3.0 +α 0.1 σ 0.1 +α 1 σ 0.3$", whole[2])
    narrow = end_lines(table, naming, drawn_on(80)[0])
    assert all(len(line) <= 80 for line in narrow)
    assert "  trained on it" in narrow[2]
    assert re.search(r"ST +4 +81.0 ± 3.9 +84.0 ± 3.7 +3.0", narrow[2])


def test_how_it_ended_in_a_line(store: Store, plan: Plan) -> None:
    whole = summarise(plan, look(store, plan))
    assert complete_line(whole, 125) == "small is complete: 9 trials, 36 evaluations, none failed, none diverged, 2:05"
    assert (
        nothing_line(whole, "./s") == "small is complete: 9 of 9 trials, 36 of 36 evaluations in ./s.  Nothing to do."
    )
    nothing = summarise(plan, Found(evaluated={}, failed={plan.trials[0].trial_id}))
    assert incomplete_line(nothing) == (
        "small is not complete: 0 of 9 trials done, 1 failed, 8 blocked, 36 evaluations left"
    )


def test_a_group_of_failures_says_what_to_type(plan: Plan, naming: Naming) -> None:
    group = Failure(failure_class="out_of_memory", trials=plan.trials[1:3], tries=2, error="CUDA out of memory")
    text = "\n".join(failure_lines([group], naming, drawn_on(None)[0], "small.yaml", " --store x"))
    one = plan.trials[1].trial_id[:8]
    assert f"2   {one}  ST gaussian_noise alpha=0.1 sigma=0.1 and 1 more: CUDA out of memory, 2 tries" in text
    assert f"study why {one} --store x        study launch small.yaml --retry oom --store x" in text


def test_what_changed_since_the_last_launch(tmp_path: Path, plan: Plan) -> None:
    wider = small_plan(
        tmp_path, TEXT.replace("alpha: [0.1, 1]", "alpha: [0.1, 1, 10]").replace("[30], p", "[70, 30], p")
    )
    new = "small changed: 3 new trials (ST, alpha 10), 24 new evaluations (3 × 5, and jpeg 70 for the 9 there)"
    assert changed_line(changes(plan, wider), complete=False) == f"{new}."
    assert changed_line(changes(plan, wider), complete=True) == f"{new}; the store has all of it already."
    assert changed_line(changes(plan, plan), complete=True) is None
    assert "3 trials left the study" in str(changed_line(changes(wider, plan), complete=False))


def test_a_plan_in_iterations_says_how_many_epochs_they_are(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, TEXT.replace("epochs: 1", "iterations: 9"))
    table = plan_table(plan, Naming(plan, registered_symbol))
    line = cross_table(plan, table, 200, drawn_on(None)[0])[1]
    assert line.split() == ["nothing", "1", "1", "9", "iterations", "(2.25", "epochs)", "from", "scratch"]


def test_the_cross_table_adds_up(plan: Plan, naming: Naming) -> None:
    table = plan_table(plan, naming)
    lines = [line.split() for line in cross_table(plan, table, 200, drawn_on(None)[0])]
    assert lines == [
        ["trained", "on", "Baseline", "ST", "DA", "sum"],
        ["nothing", "1", "1", "1", "epoch", "from", "scratch"],
        ["gaussian_noise", "4", "2", "6", "σ", "0.1,", "0.3"],
        ["rotation", "2", "2", "ρ", "30"],
        ["sum", "1", "6", "2", "9"],
        ["over", "α", "2"],
    ]


def test_next_commands_exist_and_carry_the_store(study: object) -> None:
    commands = [command for command, _ in next_commands("small", "small.yaml", " --store x", ("sweep",))]
    assert all(" --store x" in command for command in commands if re.match("study (launch|query small)", command))
    assert "study dashboard small --store x" in commands
    assert "study ui --store x" in commands
    assert not any("pareto" in command for command in commands)
    assert "study query small bands --store x" in commands
    of_files = [command for command, _ in next_commands("small", None, "", ("clean", "corruption", "attack"))]
    assert [one for one in of_files if "small " in one] == ["study query small mce", "study query small attacks"]
    searched = [command for command, _ in next_commands("small", "small.yaml", " --store x", ("sweep",), searched=True)]
    assert set(searched) - set(commands) == {"study query small pareto --store x"}


def test_where_a_server_has_the_runs_it_is_named() -> None:
    told = dict(next_commands("small", "small.yaml", "", (), runs="http://host:5000"))
    assert told["http://host:5000"] == "every run, in MLflow"
    assert "study ui" not in told


def test_no_cell_is_ever_cut() -> None:
    rows = [["a" * 10, "1234567", "x"], ["b", "1", "y" * 30]]
    columns = [Column("first"), Column("second", "right"), Column("third")]
    laid = lay_out(columns, rows, 25)
    assert laid.hidden == ("third",)
    assert laid.lines == ("  aaaaaaaaaa  1234567", "  b                 1")
    assert lay_out(columns, rows, 5).lines[0] == "  aaaaaaaaaa", "one column always stays"


def test_every_sign_has_a_spelling() -> None:
    assert all(spelled_out(sign) == spelling for sign, spelling in SPELLED_OUT.items())
    assert spelled_out("σ 0.3 ± 0.1 … ●").isascii()


def test_numbers() -> None:
    assert [clock(seconds) for seconds in (0, 65, 3725, -3)] == ["0:00", "1:05", "1:02:05", "0:00"]
    assert [duration(s) for s in (1, 40, 200, 3600, 86400 * 3)] == [
        "a second", "40 seconds", "3.3 minutes", "60 minutes", "3.0 days",
    ]  # fmt: skip
    assert [size(n) for n in (10, 2_500, 64_000_000, 3e9)] == ["10 bytes", "2.5 kB", "64.0 MB", "3.0 GB"]
    assert with_error(Share(correct=861, n=1000)) == "86.1 ± 1.1"
    assert (span(0.8, 0.8), span(0.8, 0.9)) == ("80.0", "80.0 to 90.0")


def outline(plan: Plan) -> str:
    terminal, stream = drawn_on(None)
    print_outline(
        plan, plan_table(plan, Naming(plan, registered_symbol)), summarise(plan, Found(evaluated={})), (), terminal
    )
    return stream.getvalue()


def test_a_plan_says_which_attacks_on_which_images_and_how_pass_is_measured(tmp_path: Path) -> None:
    for line, told in (
        (
            "{fgs: , pgd: , images: 20}",
            "fgs (paper), fgs (unmasked), fgs (exact), pgd 0.0314 on the first 20 test images; PASS without",
        ),
        (
            "{hot_cold: {modes: abs}}",
            "hot_cold (abs) on all test images; PASS without alignment alone (align: ecc adds",
        ),
    ):
        attacked = small_plan(tmp_path, TEXT.replace("evaluate:", f"evaluate:\n  attacks: {line}"))
        said = outline(attacked)
        assert told in said
        assert "pip install 'robustness-study[quality]'" in said
        assert "float32" not in said
    assert "attacks" not in outline(small_plan(tmp_path))


def test_a_plan_says_that_attacks_meet_networks_in_float32(tmp_path: Path) -> None:
    text = TEXT.replace("train: {", "train: {precision: bfloat16, ").replace(
        "evaluate:", "evaluate:\n  attacks: {fgs: }"
    )
    assert "attacks meet every network in float32; everything else is in bfloat16" in outline(
        small_plan(tmp_path, text)
    )
