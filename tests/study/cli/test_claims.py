"""`study claims`: verdicts in the terminal, in a README, and for programs."""

import csv
import io
import json

import pytest

from study.store import Store
from tests.study.cli.conftest import Type

NAMES = ("ahead", "narrower", "above", "symmetric", "gaussian", "trade", "transfer")


def test_every_claim_stands_there_with_its_verdict_or_why_it_cannot_be_asked(study: Type, store: Store) -> None:
    answer = study("claims", "small")
    assert answer.exit_code == 0
    assert "cannot be asked" in answer.stdout
    assert "not asked of: no trial of adversarial_training is trained on an attack that is tested" in answer.stdout
    assert "7 claims of Laermann et al. 2019 (arXiv 1906.00735): " in answer.stdout


def test_programs_get_a_row_a_claim_and_a_row_a_part(study: Type, store: Store) -> None:
    told = json.loads(study("claims", "small", "--format", "json").stdout)
    assert tuple(row["name"] for row in told if row["part"] is None) == NAMES
    listed = list(csv.DictReader(io.StringIO(study("claims", "small", "--format", "csv").stdout)))
    assert [row["verdict"] for row in listed] == [row["verdict"] for row in told]


def test_a_readme_gets_a_table(study: Type, store: Store) -> None:
    lines = study("claims", "small", "--format", "markdown").stdout.splitlines()
    assert lines[0] == "| claim | in the paper | compared | points (95 %) | verdict |"
    assert len([line for line in lines if line.startswith("| ")]) == 2 + len(NAMES)


@pytest.mark.parametrize("form", ["yaml", ""])
def test_another_format_is_refused(study: Type, store: Store, form: str) -> None:
    assert study("claims", "small", "--format", form).exit_code == 2
