"""The result tables: every column with its type, unit and meaning, all of which go into the Parquet files.

Counts and sums are stored, rates derived from them. A change of columns raises the table's version. `trials`, `epochs`,
`evaluations` and `predictions` hold results only: nothing in them depends on when, where or in how many attempts they
were computed. `attempts` holds that.
"""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

PARAMETER = pa.struct(
    [
        pa.field("owner", pa.string(), nullable=False),
        pa.field("component", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("number", pa.float64()),
        pa.field("text", pa.string()),
    ]
)
PLANNED_PARAMETER = pa.struct([*PARAMETER, pa.field("symbol", pa.string(), nullable=False)])
CONFIDENCES = pa.struct(
    [
        pa.field("n", pa.int64(), nullable=False),
        pa.field("correct", pa.int64(), nullable=False),
        pa.field("confidence_sum", pa.float64()),
    ]
)
TERM = pa.struct([pa.field("name", pa.string(), nullable=False), pa.field("value", pa.float64(), nullable=False)])


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. `nullable`: may be empty, as its meaning says."""

    name: str
    type: pa.DataType
    unit: str = ""
    meaning: str
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """One kind of file."""

    name: str
    version: int
    key: tuple[str, ...]
    """The columns that tell its rows apart, in the order of which it is read back."""
    columns: tuple[Column, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        fields = [
            pa.field(one.name, one.type, one.nullable, {"unit": one.unit, "meaning": one.meaning})
            for one in self.columns
        ]
        return pa.schema(fields, {"table": self.name, "version": str(self.version)})


def _moments(name: str, unit: str, meaning: str, empty: str = "at chance") -> tuple[Column, Column]:
    """The sum and the sum of squares of something that successful attacks have."""
    end = f"summed over the successes; empty {empty}"
    squared = f"({unit})²" if unit else ""
    return (
        Column(name=f"{name}_sum", type=pa.float64(), unit=unit, meaning=f"{meaning}, {end}", nullable=True),
        Column(name=f"{name}_square_sum", type=pa.float64(), unit=squared, meaning=f"its square, {end}", nullable=True),
    )


TRIAL_ID = Column(name="trial_id", type=pa.string(), meaning="the trial: a hash of all that determines its result")
CONDITION_ID = Column(
    name="condition_id", type=pa.string(), meaning="the test condition: a hash of all that determines its images"
)
ROLE = Column(
    name="role",
    type=pa.string(),
    meaning="which of the trial's checkpoints: best, last, stage-500; `stages` for all that were kept of its training",
)
PARAMETERS_MEANING = (
    "one entry a parameter of the method (owner `method`), of its training distortions (`distortion`) and attacks "
    "(`attack`): a number, or a text, or neither for one that is not set; a name that an owner has twice is numbered, "
    "`severity`, `severity_2`, in the order of application"
)
METHOD = Column(name="method", type=pa.string(), meaning="the training method, as the YAML names it")
TRAIN_DISTORTION = Column(
    name="train_distortion",
    type=pa.string(),
    meaning="what the method trains on, `A then B` for a sequence; empty for undistorted images",
    nullable=True,
)
REPLICATE = Column(name="replicate", type=pa.int64(), meaning="0 the first; replicates differ in their random draws")
VALIDATION_CORRECT = Column(
    name="validation_correct",
    type=pa.int64(),
    unit="images",
    meaning="undistorted validation images classified right (of a ranking trial: triplets ranked right)",
)
VALIDATION_N = Column(name="validation_n", type=pa.int64(), unit="images", meaning="validation images")

TRIALS = Table(
    name="trials",
    version=2,
    key=("trial_id",),
    columns=(
        TRIAL_ID,
        METHOD,
        Column(name="parameters", type=pa.list_(PARAMETER), meaning=PARAMETERS_MEANING),
        TRAIN_DISTORTION,
        REPLICATE,
        Column(
            name="diverged", type=pa.bool_(), meaning="whether the loss stopped being finite: a result, not a failure"
        ),
        Column(
            name="diverged_epoch",
            type=pa.int64(),
            meaning="the first epoch, from 1, whose loss was not finite; 0 if its parent left no weights to start "
            "from; empty if all were",
            nullable=True,
        ),
        Column(name="model", type=pa.string(), meaning="the architecture"),
        Column(name="data", type=pa.string(), meaning="the data set"),
        Column(name="start", type=pa.string(), meaning="where the initial weights come from: scratch, trial, weights"),
        Column(
            name="parent",
            type=pa.string(),
            meaning="the trial whose weights it started from, or the SHA-256 of the weights file; empty from scratch",
            nullable=True,
        ),
        Column(name="epochs", type=pa.int64(), unit="epochs", meaning="planned length of the training"),
        Column(name="batch_size", type=pa.int64(), unit="images", meaning="images a training step"),
        Column(
            name="selected_epoch",
            type=pa.int64(),
            meaning="the epoch, from 1, whose weights are kept, 0 for weights as they came; empty if none was finite",
            nullable=True,
        ),
        Column(
            name="validation_correct",
            type=pa.int64(),
            unit="images",
            meaning="undistorted validation images that the kept weights classify right; empty if there are none",
            nullable=True,
        ),
        VALIDATION_N,
        Column(name="parameter_count", type=pa.int64(), meaning="trainable numbers in the model"),
        Column(
            name="weights_hash",
            type=pa.string(),
            meaning="SHA-256 over the names and bytes of the kept weights; empty if there are none",
            nullable=True,
        ),
        Column(name="identity", type=pa.string(), meaning="canonical JSON of all that determines the result"),
        Column(
            name="images_seen",
            type=pa.int64(),
            unit="images",
            meaning="images that its own training passed forward for a gradient, every distorted copy and every epoch "
            "counted, those of making attacks not; its parent's not; up to the end of the epoch that diverged",
            nullable=True,
        ),
        Column(
            name="labels_used",
            type=pa.int64(),
            unit="images",
            meaning="those of images_seen that were compared with their label: of stability training the undistorted "
            "half, of data augmentation all",
            nullable=True,
        ),
    ),
)

EPOCHS = Table(
    name="epochs",
    version=1,
    key=("trial_id", "epoch"),
    columns=(
        TRIAL_ID,
        Column(name="epoch", type=pa.int64(), meaning="1 the first"),
        Column(name="loss", type=pa.float64(), unit="nats", meaning="training loss, mean over images"),
        Column(name="terms", type=pa.list_(TERM), unit="nats", meaning="the loss's named parts, means over images"),
        Column(
            name="validation_loss",
            type=pa.float64(),
            unit="nats",
            meaning="cross-entropy (of a ranking trial: triplet hinge) on undistorted validation images, mean",
        ),
        VALIDATION_CORRECT,
        VALIDATION_N,
        Column(name="learning_rate", type=pa.float64(), meaning="learning rate at the epoch's end"),
    ),
)

N = Column(name="n", type=pa.int64(), unit="images", meaning="images evaluated")

EVALUATIONS = Table(
    name="evaluations",
    version=2,
    key=("trial_id", "role", "condition_id"),
    columns=(
        TRIAL_ID,
        ROLE,
        CONDITION_ID,
        Column(name="split", type=pa.string(), meaning="which images: test, validation, train"),
        Column(
            name="family",
            type=pa.string(),
            meaning="what the condition belongs to: clean, sweep, corruption, perturbation, attack, noise_stability",
        ),
        Column(name="test_distortion", type=pa.string(), meaning="`clean`, a distortion or attack, `A then B`"),
        Column(
            name="parameter",
            type=pa.string(),
            meaning="what the level is of: `sigma`, severity, difficulty; empty where there is none",
            nullable=True,
        ),
        Column(
            name="level",
            type=pa.float64(),
            unit="the parameter's",
            meaning="the parameter's value; empty where there is none",
            nullable=True,
        ),
        N,
        Column(
            name="correct",
            type=pa.int64(),
            unit="images",
            meaning="images classified right; of a perturbation, sequences classified right in every frame; of an "
            "adversarial-quality attack, images classified right that it does not change; of noise stability, images "
            "classified right without noise at every tested stage; of a ranking trial, triplets "
            "ranked right, one a query image",
        ),
        Column(
            name="top5_correct",
            type=pa.int64(),
            unit="images",
            meaning="images whose class is among the five likeliest; empty below six classes",
            nullable=True,
        ),
        Column(
            name="loss_sum",
            type=pa.float64(),
            unit="nats",
            meaning="cross-entropy (of a ranking trial: triplet hinge), summed over images",
            nullable=True,
        ),
        Column(
            name="confidence_sum",
            type=pa.float64(),
            meaning="largest softmax probability, summed over images",
            nullable=True,
        ),
        Column(
            name="at_chance",
            type=pa.bool_(),
            meaning="no epoch of the trial was finite, so it was not run: `correct` is what guessing gets, rounded",
        ),
        Column(
            name="rendering",
            type=pa.string(),
            meaning="how the images were made, where there is more than one way: whose JPEG; empty elsewhere",
            nullable=True,
        ),
        Column(
            name="confidences",
            type=pa.list_(CONFIDENCES),
            meaning="by the largest softmax probability, in 15 bins of equal width from 0 to 1: images, those of them "
            "classified right, and that probability, summed; no bins for sequences, for embeddings and at chance",
        ),
    ),
)

PREDICTIONS = Table(
    name="predictions",
    version=1,
    key=("trial_id", "role", "condition_id"),
    columns=(
        TRIAL_ID,
        ROLE,
        CONDITION_ID,
        N,
        Column(
            name="correct_bits",
            type=pa.binary(),
            meaning="one bit an image in index order, 1 for right; the first image is the first octet's highest bit",
        ),
    ),
)

NEAR_DUPLICATES = Table(
    name="near_duplicates",
    version=1,
    key=("trial_id", "role", "condition_id", "threshold"),
    columns=(
        TRIAL_ID,
        ROLE,
        CONDITION_ID,
        Column(
            name="threshold",
            type=pa.float64(),
            unit="distance of unit lengths",
            meaning="two images within it, by their embeddings, are taken for near-duplicates",
        ),
        Column(
            name="pairs",
            type=pa.int64(),
            unit="pairs",
            meaning="of an image and its distorted copy; and as many of such a copy and another image",
        ),
        Column(name="found", type=pa.int64(), unit="pairs", meaning="of an image and its copy, within the threshold"),
        Column(
            name="false_alarms",
            type=pa.int64(),
            unit="pairs",
            meaning="of a copy and another image, within the threshold",
        ),
    ),
)

FLIPS = Table(
    name="flips",
    version=2,
    key=("trial_id", "role", "condition_id", "difficulty"),
    columns=(
        TRIAL_ID,
        ROLE,
        CONDITION_ID,
        Column(
            name="difficulty",
            type=pa.int64(),
            meaning="1, 2 or 3: of noise, how strong it is; else how many frames apart those of a pair are",
        ),
        Column(name="sequences", type=pa.int64(), unit="sequences", meaning="sequences of frames, one an image"),
        Column(name="pairs", type=pa.int64(), unit="pairs", meaning="of a frame and its reference, in all sequences"),
        Column(name="flips", type=pa.int64(), unit="pairs", meaning="pairs whose two predictions differ"),
        Column(
            name="top5_distance_sum",
            type=pa.int64(),
            meaning="how far the five likeliest classes move between reference and frame, summed over pairs; empty "
            "below five classes",
            nullable=True,
        ),
        Column(
            name="zipf_distance_sum",
            type=pa.float64(),
            meaning="the same over all classes, weighted by 1 / place, summed over pairs",
        ),
    ),
)

ATTACKS = Table(
    name="attacks",
    version=1,
    key=("trial_id", "role", "condition_id"),
    columns=(
        TRIAL_ID,
        ROLE,
        CONDITION_ID,
        Column(name="attack", type=pa.string(), meaning="the adversarial-quality attack: fgs, hot_cold, pgd"),
        Column(
            name="variant",
            type=pa.string(),
            meaning="its rule (fgs) or mode (hot_cold); empty for pgd, whose epsilon is the level",
            nullable=True,
        ),
        Column(
            name="attempts",
            type=pa.int64(),
            unit="images",
            meaning="images that the network classifies right, each of which is attacked; 0 at chance",
        ),
        Column(name="successes", type=pa.int64(), unit="images", meaning="attempts that change the label"),
        Column(
            name="blank",
            type=pa.int64(),
            unit="images",
            meaning="attempts without a direction, since the gradient is (fgs paper: counts as) 0; empty for pgd",
            nullable=True,
        ),
        *_moments("linf", "pixels in 0 to 255", "the largest change of a pixel"),
        *_moments("pass", "", "PASS: the similarity (SSIM) with the original after alignment", "without it"),
        *_moments("pass_unaligned", "", "PASS without alignment: the similarity (SSIM) with the original"),
    ),
)

NOISE_STABILITY = Table(
    name="noise_stability",
    version=1,
    key=("trial_id", "role", "condition_id"),
    columns=(
        TRIAL_ID,
        ROLE,
        CONDITION_ID,
        Column(
            name="stage",
            type=pa.int64(),
            meaning="how long the network had been trained, in epochs or iterations, as `counts` says",
        ),
        Column(name="counts", type=pa.string(), meaning="what stages are counted in: epochs, iterations"),
        Column(name="draws", type=pa.int64(), unit="draws", meaning="noisy copies of each image"),
        Column(name="classes", type=pa.int64(), unit="classes", meaning="of the data set"),
        Column(
            name="per_class",
            type=pa.int64(),
            unit="images",
            meaning="images of a class that are compared: the first that are right, without noise, at every tested "
            "stage, of both networks where two are compared",
        ),
        Column(
            name="images",
            type=pa.list_(pa.int32()),
            meaning="index of each image with noisy copies, ascending; spare ones of each class among them",
        ),
        Column(name="labels", type=pa.list_(pa.int16()), meaning="class of each, from 0"),
        Column(
            name="changed",
            type=pa.list_(pa.uint16()),
            unit="draws",
            meaning="of each, noisy copies that are not given its label",
        ),
    ),
)

ATTEMPTS = Table(
    name="attempts",
    version=1,
    key=("trial_id", "started", "attempt", "unit"),
    columns=(
        TRIAL_ID,
        Column(
            name="attempt",
            type=pa.string(),
            meaning="the token of one run of one unit; its number orders a trial's",
        ),
        Column(name="unit", type=pa.string(), meaning="what was run: train, evaluate"),
        Column(
            name="status",
            type=pa.string(),
            meaning="how it ended: done, diverged, halted (where a rung compares it), failed, lost, stopped",
        ),
        Column(
            name="failure_class",
            type=pa.string(),
            meaning="of a failed or lost one: preempted, infrastructure, damaged, out_of_memory, user",
            nullable=True,
        ),
        Column(name="error", type=pa.string(), meaning="of a failed or lost one: what went wrong", nullable=True),
        Column(name="traceback_hash", type=pa.string(), meaning="equal for tracebacks of one cause", nullable=True),
        Column(
            name="traceback",
            type=pa.string(),
            meaning="of a failed one; of a lost one the end of its worker's standard error",
            nullable=True,
        ),
        Column(
            name="started",
            type=pa.timestamp("us", "UTC"),
            unit="UTC",
            meaning="when the worker began, by its host's clock",
        ),
        Column(name="seconds", type=pa.float64(), unit="s", meaning="wall time in the worker"),
        Column(
            name="device_seconds",
            type=pa.float64(),
            unit="s",
            meaning="time on the accelerator; empty where it is not measured",
            nullable=True,
        ),
        Column(
            name="peak_memory",
            type=pa.int64(),
            unit="bytes",
            meaning="of the unit on the accelerator, or of the worker process on a CPU; empty if unknown",
            nullable=True,
        ),
        Column(name="host", type=pa.string(), meaning="the machine's name"),
        Column(name="device", type=pa.string(), meaning="what computed: cpu, or the accelerator's name"),
        Column(
            name="images",
            type=pa.int64(),
            unit="images",
            meaning="images worked on; of attacks roughly, each as often as it is shown",
        ),
        Column(name="versions", type=pa.string(), meaning="JSON: library to version; of the CPU, its capability"),
    ),
)

PARTS = (NEAR_DUPLICATES, FLIPS, ATTACKS, NOISE_STABILITY)
"""Tables of what only some cells have; each has the name of the cell's field."""

RESULTS = {table.name: table for table in (TRIALS, ATTEMPTS, EPOCHS, EVALUATIONS, PREDICTIONS, *PARTS)}
"""By folder below `results/`."""

MEMBERSHIP = Table(
    name="plan",
    version=3,
    key=("position",),
    columns=(
        Column(name="position", type=pa.int64(), meaning="in the plan, from 0: parents before children"),
        TRIAL_ID,
        Column(name="label", type=pa.string(), meaning="the key under `methods:` in the study's YAML"),
        Column(name="stage", type=pa.int64(), meaning="0 from scratch or a file, 1 from a stage-0 trial, and so on"),
        METHOD,
        TRAIN_DISTORTION,
        Column(name="parameters", type=pa.list_(PLANNED_PARAMETER), meaning=PARAMETERS_MEANING),
        REPLICATE,
        Column(name="cpus", type=pa.float64(), unit="CPUs", meaning="what a unit occupies"),
        Column(name="gpus", type=pa.float64(), unit="GPUs", meaning="what a unit occupies"),
        Column(name="recipe", type=pa.string(), meaning="JSON: everything needed to train it"),
        Column(name="identity", type=pa.string(), meaning="canonical JSON whose hash is the trial id"),
        Column(
            name="shown",
            type=pa.list_(pa.string()),
            meaning="the corruptions and perturbations that its training, and that of what it started from, shows",
        ),
        Column(
            name="memory", type=pa.int64(), unit="bytes", nullable=True, meaning="of the host, what a unit may take"
        ),
        Column(name="custom", type=pa.string(), nullable=True, meaning="JSON: custom resources that a unit occupies"),
        Column(name="labels", type=pa.string(), nullable=True, meaning="JSON: values that its node's labels may have"),
    ),
)

RUNGS = Table(
    name="rungs",
    version=1,
    key=("trial_id", "epochs"),
    columns=(
        TRIAL_ID,
        Column(name="epochs", type=pa.int64(), unit="epochs", meaning="the rung: how long the trial was trained"),
        VALIDATION_CORRECT,
        VALIDATION_N,
        Column(name="validation_loss", type=pa.float64(), unit="nats", meaning="mean over the validation images"),
    ),
)
"""How trials stood where they halted, for a study that prunes: one file an entry, in the study's folder."""

PRUNED = Table(
    name="pruned",
    version=1,
    key=("trial_id",),
    columns=(
        TRIAL_ID,
        Column(name="epochs", type=pa.int64(), unit="epochs", meaning="how long the trial was trained"),
    ),
)
"""The trials that a launch gave up, once nothing was left that could take them further."""

CONDITIONS = Table(
    name="conditions",
    version=2,
    key=("position",),
    columns=(
        Column(name="position", type=pa.int64(), meaning="in the plan, from 0: clean first"),
        CONDITION_ID,
        Column(name="data", type=pa.string(), meaning="JSON: the data set and its parameters"),
        *(column for column in EVALUATIONS.columns if column.name in ("split", "family", "test_distortion")),
        *(column for column in EVALUATIONS.columns if column.name in ("parameter", "level")),
        Column(
            name="sweep", type=pa.int64(), meaning="position of its sweep in the study; empty for clean", nullable=True
        ),
        Column(
            name="step", type=pa.int64(), meaning="place in the sweep, easy to hard from 1; 0 for clean", nullable=True
        ),
        Column(name="practical", type=pa.bool_(), meaning="whether it is the sweep's practical level"),
        Column(name="unit", type=pa.string(), meaning="of the level"),
        Column(name="symbol", type=pa.string(), meaning="of the parameter"),
        Column(
            name="steps", type=pa.string(), meaning="JSON: the distortions with their parameters, first applied first"
        ),
        Column(name="seed", type=pa.int64(), meaning="of the draws: another one draws other noise"),
        Column(
            name="benchmark",
            type=pa.string(),
            meaning="the set of corruptions or perturbations that it belongs to; empty for clean and sweeps",
            nullable=True,
        ),
        Column(
            name="name",
            type=pa.string(),
            meaning="the corruption or perturbation as a YAML names it; empty for clean and sweeps",
            nullable=True,
        ),
        Column(
            name="extra",
            type=pa.bool_(),
            meaning="whether it is kept for validation and in no mean over a benchmark; empty for clean and sweeps",
            nullable=True,
        ),
        Column(
            name="noise",
            type=pa.bool_(),
            meaning="whether it is noise, drawn anew for every pixel; empty for clean and sweeps",
            nullable=True,
        ),
        Column(
            name="normalizer",
            type=pa.string(),
            meaning="whose errors its own are divided by: a label, or alexnet; empty where there is none",
            nullable=True,
        ),
    ),
)
