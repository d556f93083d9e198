"""`study query --help`: the tables and views, and queries to begin with."""

from typing import Any

from typer.core import TyperCommand

from study.cli.terminal import terminal, wrapped

WORKED = (
    (
        "How wide is each band, from easy to hard?",
        "FROM bands\nWHERE train_distortion = 'gaussian_noise'\n  AND test_distortion = 'gaussian_noise'",
    ),
    (
        "Which trials do worst at the practical level, and what are their hyperparameters?",
        "SELECT label, method.alpha, method.p,\n"
        "  distortion.sigma, accuracy\n"
        "FROM evaluations JOIN trials USING (trial_id)\n"
        "WHERE train_distortion = 'gaussian_noise'\n"
        "  AND test_distortion = 'gaussian_noise' AND practical\n"
        "ORDER BY accuracy LIMIT 3",
    ),
    (
        "Does training on one distortion help under another?",
        "SELECT label, train_distortion, test_distortion,\n"
        "  worst, best, baseline\n"
        "FROM practical WHERE train_distortion <> test_distortion\n"
        "ORDER BY best - baseline DESC",
    ),
    (
        "Under corruptions, which trials err least, also without those that they trained on?",
        "SELECT label, hyperparameters, mce,\n  mce_without_seen, corruptions, normalizer\nFROM mce ORDER BY mce",
    ),
    (
        "At as many labels, how many more images has stability training seen, and for what?",
        "SELECT label, labels_used, images_seen,\n"
        "  min(mean_error), max(mean_error)\n"
        "FROM mce GROUP BY ALL ORDER BY labels_used, images_seen",
    ),
)
"""(question, SQL) on the demo's study."""


class QueryCommand(TyperCommand):
    """Adds the documentation of the views to the help."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        here = terminal()
        for line in help_lines(formatter.width):
            formatter.write(here.text(f"{line}\n"))
        super().format_epilog(ctx, formatter)


def help_lines(width: int) -> list[str]:
    """Tables, views and worked queries, ready to print."""
    from study.query import VIEWS

    hang = max(map(len, VIEWS)) + 4
    told = (f"{name:<{hang - 2}}{meaning}" for name, meaning in VIEWS.items())
    views = [line for text in told for line in wrapped(text, width, 2, hang)]
    queries = [line for question, sql in WORKED for line in (*wrapped(question, width, 2, 2), *_typed(sql))]
    columns = "Columns with type, unit and meaning:  study query demo_mnist --columns bands"
    return ["", "Tables and views (a bare word is FROM it):", *views, "", columns, "", "Worked queries:", *queries]


def _typed(sql: str) -> list[str]:
    """A query as it is pasted into a shell."""
    first, *others = f'"{sql}"'.splitlines()
    return [f"    study query demo_mnist {first}", *(f"      {line}" for line in others)]
