-- The views that `study query` offers, over the tables of the schema `stored`:
--
--   membership     the study's newest plan: one row a trial under a label, hyperparameters packed into structs
--   conditions     the study's test conditions, each with its place in its sweep
--   trials, epochs, evaluations, predictions, attempts      rows of this study's trials, as they are stored
--   points         the points that the study's searches drew, with their objectives packed into structs
--   rungs, pruned  how trials stood where they halted, and those that the newest launch gave up
--   all_trials     rows of every trial in the store
--
-- A view is in the order in which it is to be read. What its columns mean stands in study/query/columns.py.


-- Each trial of the study that has been trained, once for each label it stands under.
CREATE VIEW trials AS
SELECT
    trial_id,
    label,
    membership.stage,
    membership.method,
    membership.train_distortion,
    membership.distortion,
    membership.attack,
    membership.hyperparameters,
    trained.replicate,
    trained.diverged,
    trained.diverged_epoch,
    trained.model,
    trained.data,
    trained.start,
    trained.parent,
    trained.epochs,
    trained.batch_size,
    trained.selected_epoch,
    trained.validation_correct / trained.validation_n AS validation_accuracy,
    trained.validation_n,
    clean.correct / clean.n AS clean_accuracy,
    trained.images_seen,
    trained.labels_used,
    trained.parameter_count,
    trained.weights_hash
FROM stored.membership AS membership
JOIN stored.trials AS trained USING (trial_id)
LEFT JOIN (
    FROM stored.evaluations AS cells SEMI JOIN stored.conditions USING (condition_id)
    WHERE cells.family = 'clean' AND cells.role = 'best' AND cells.split = 'test'
) AS clean USING (trial_id)
ORDER BY membership.position;


-- Each cell: one trial of the study under one of its conditions. No label here: join trials USING (trial_id).
CREATE VIEW evaluations AS
SELECT
    trial_id,
    cells.role,
    condition_id,
    cells.split,
    cells.family,
    cells.test_distortion,
    cells.parameter,
    cells.level,
    conditions.step,
    conditions.practical,
    cells.n,
    cells.correct,
    cells.correct / cells.n AS accuracy,
    sqrt(cells.correct / cells.n * (1 - cells.correct / cells.n) / cells.n) AS standard_error,
    cells.top5_correct / cells.n AS top5_accuracy,
    cells.loss_sum / cells.n AS loss,
    cells.confidence_sum / cells.n AS confidence,
    (
        SELECT sum(abs(bin.correct - bin.confidence_sum)) / sum(bin.n) FROM (SELECT unnest(cells.confidences) AS bin)
    ) AS calibration_error,
    cells.at_chance,
    cells.rendering
FROM stored.evaluations AS cells
JOIN stored.conditions AS conditions USING (condition_id)
JOIN (SELECT trial_id, min(position) AS position FROM stored.membership GROUP BY trial_id) AS planned USING (trial_id)
ORDER BY planned.position, cells.role, conditions.position;


-- Each epoch of each trial of the study, the loss's named terms packed into a struct.
CREATE VIEW epochs AS
SELECT
    epochs.* EXCLUDE (validation_correct, validation_n),
    epochs.validation_correct / epochs.validation_n AS validation_accuracy
FROM stored.epochs AS epochs
JOIN (SELECT trial_id, min(position) AS position FROM stored.membership GROUP BY trial_id) AS planned USING (trial_id)
ORDER BY planned.position, epochs.epoch;


-- Each run of each unit of the study's trials: what is known about it besides its results.
CREATE VIEW attempts AS
FROM stored.attempts
ORDER BY started, trial_id;


-- The per-image outcome of each cell.
CREATE VIEW predictions AS
SELECT predictions.*
FROM stored.predictions AS predictions
JOIN stored.conditions AS conditions USING (condition_id)
ORDER BY trial_id, role, conditions.position;


-- Near-duplicates found by their embeddings, at each threshold: an image and its distorted copy. Each trial once for
-- each label it stands under.
CREATE VIEW near_duplicates AS
SELECT
    trial_id,
    members.label,
    members.train_distortion,
    members.hyperparameters,
    counts.role,
    condition_id,
    conditions.split,
    conditions.test_distortion,
    conditions.parameter,
    conditions.level,
    conditions.practical,
    counts.threshold,
    counts.pairs,
    counts.found,
    counts.false_alarms,
    counts.found / nullif(counts.found + counts.false_alarms, 0) AS "precision",
    counts.found / counts.pairs AS recall
FROM stored.near_duplicates AS counts
JOIN stored.conditions AS conditions USING (condition_id)
JOIN stored.membership AS members USING (trial_id)
WHERE conditions.family <> 'clean'
ORDER BY members.position, counts.role, conditions.position, counts.threshold;


-- Adversarial quality: each attack on each trial, over the images that it classifies right. Each trial once for each
-- label it stands under. Rounding may leave a variance just below 0.
CREATE VIEW attacks AS
SELECT
    trial_id,
    members.label,
    members.train_distortion,
    members.hyperparameters,
    counts.role,
    condition_id,
    conditions.split,
    conditions.test_distortion,
    counts.attack AS test_attack,
    counts.variant,
    CASE WHEN conditions.parameter = 'epsilon' THEN conditions.level END AS epsilon,
    (
        SELECT string_agg(name || ' ' || coalesce(format('{:.4g}', try_cast(value AS DOUBLE)), value), ', ')
        FROM (
            SELECT pair ->> 0 AS name, pair ->> 1 AS value
            FROM (SELECT unnest(CAST(conditions.steps -> '$[0][1]' AS JSON[])) AS pair)
        )
        WHERE name NOT IN ('align', 'images', 'rule', 'mode', 'epsilon')
    ) AS settings,
    cells.n,
    cells.correct / cells.n AS accuracy,
    counts.attempts,
    counts.successes / nullif(counts.attempts, 0) AS success_rate,
    counts.blank / nullif(counts.attempts, 0) AS blank_share,
    moments.linf_mean,
    sqrt(abs(round(moments.linf_square_mean - moments.linf_mean ** 2, 9))) AS linf_std,
    moments.pass_mean,
    sqrt(abs(round(moments.pass_square_mean - moments.pass_mean ** 2, 9))) AS pass_std,
    moments.pass_unaligned_mean,
    sqrt(abs(round(moments.pass_unaligned_square_mean - moments.pass_unaligned_mean ** 2, 9))) AS pass_unaligned_std,
    cells.at_chance
FROM stored.attacks AS counts
JOIN stored.evaluations AS cells USING (trial_id, role, condition_id)
JOIN stored.conditions AS conditions USING (condition_id)
JOIN stored.membership AS members USING (trial_id),
LATERAL (
    SELECT
        counts.linf_sum / nullif(counts.successes, 0) AS linf_mean,
        counts.linf_square_sum / nullif(counts.successes, 0) AS linf_square_mean,
        counts.pass_sum / nullif(counts.successes, 0) AS pass_mean,
        counts.pass_square_sum / nullif(counts.successes, 0) AS pass_square_mean,
        counts.pass_unaligned_sum / nullif(counts.successes, 0) AS pass_unaligned_mean,
        counts.pass_unaligned_square_sum / nullif(counts.successes, 0) AS pass_unaligned_square_mean
) AS moments
ORDER BY members.position, counts.role, conditions.position;


-- Random-noise stability of each trial on images of its own, at each stage of its training. Each trial once for each
-- label it stands under.
CREATE VIEW noise_stability AS
SELECT
    trial_id,
    members.label,
    members.train_distortion,
    members.hyperparameters,
    condition_id,
    shares.role,
    shares.stage,
    shares.counts,
    conditions.level AS sigma,
    shares.draws,
    shares.images,
    shares.per_class,
    shares.fewest,
    shares.short,
    shares.changed
FROM stored.stability AS shares
JOIN stored.conditions AS conditions USING (condition_id)
JOIN stored.membership AS members USING (trial_id)
ORDER BY members.position, conditions.position, shares.stage;


-- The same of each trial and each of the baseline's, on the images that both have right at all tested stages.
CREATE VIEW stability_pairs AS
SELECT
    trial_id,
    members.label,
    members.train_distortion,
    members.hyperparameters,
    pairs.baseline_id,
    condition_id,
    pairs.role,
    pairs.stage,
    pairs.counts,
    conditions.level AS sigma,
    pairs.draws,
    pairs.images,
    pairs.per_class,
    pairs.fewest,
    pairs.short,
    pairs.changed,
    pairs.baseline_changed,
    pairs.changed - pairs.baseline_changed AS difference
FROM stored.stability_pairs AS pairs
JOIN stored.conditions AS conditions USING (condition_id)
JOIN stored.membership AS members USING (trial_id)
ORDER BY members.position, pairs.baseline_id, conditions.position, pairs.stage;


-- Image by image, so that any two trials can be compared on the images that both have.
CREATE VIEW noise_images AS
SELECT
    trial_id,
    condition_id,
    tested.role,
    tested.stage,
    tested.counts,
    conditions.level AS sigma,
    tested.draws,
    tested.per_class,
    unnest(tested.images) AS image,
    unnest(tested.labels) AS class,
    unnest(tested.changed) AS changed
FROM stored.noise_stability AS tested
JOIN stored.conditions AS conditions USING (condition_id)
JOIN (SELECT trial_id, min(position) AS position FROM stored.membership GROUP BY trial_id) AS planned USING (trial_id)
ORDER BY planned.position, conditions.position, tested.stage;


-- The x axis of every sweep, easy to hard: clean first, the one condition that all sweeps share.
CREATE VIEW stored.levels AS
SELECT sweep, test_distortion, parameter, level, step, practical, condition_id
FROM stored.conditions
WHERE sweep IS NOT NULL
UNION ALL
SELECT DISTINCT swept.sweep, swept.test_distortion, swept.parameter, NULL, 0, false, clean.condition_id
FROM stored.conditions AS swept, stored.conditions AS clean
WHERE swept.sweep IS NOT NULL AND clean.family = 'clean' AND clean.split = 'test';


-- What each condition is measured against: the label `Baseline` if its method is `standard` (`triplet_ranking`, where
-- embeddings are ranked) on undistorted images, else the study's first label of which that is so; the mean of its trials
-- if it has several replicates.
CREATE VIEW stored.baseline AS
SELECT cells.condition_id, avg(cells.accuracy) AS accuracy
FROM main.evaluations AS cells
WHERE cells.role = 'best' AND cells.trial_id IN (
    SELECT trial_id FROM stored.membership WHERE label = (
        SELECT label FROM stored.membership
        WHERE method.name IN ('standard', 'triplet_ranking') AND train_distortion IS NULL
        ORDER BY label <> 'Baseline', position LIMIT 1
    )
)
GROUP BY cells.condition_id;


-- Each result of each sweep level under each label, with the label's and the training distortion's place in the plan.
CREATE VIEW stored.results AS
SELECT
    trials.trial_id,
    trials.label,
    trials.train_distortion,
    trials.hyperparameters,
    trials.diverged,
    levels.*,
    cells.n,
    cells.accuracy,
    cells.standard_error,
    baseline.accuracy AS baseline,
    members.position,
    members.label_position,
    members.distortion_position
FROM main.trials AS trials
JOIN main.evaluations AS cells USING (trial_id)
JOIN stored.levels AS levels USING (condition_id)
JOIN (
    SELECT
        trial_id,
        label,
        position,
        min(position) OVER (PARTITION BY label) AS label_position,
        min(position) OVER (PARTITION BY train_distortion) AS distortion_position
    FROM stored.membership
) AS members USING (trial_id, label)
LEFT JOIN stored.baseline AS baseline USING (condition_id)
WHERE cells.role = 'best';


-- The sensitivity band: over all trials of a label on a training distortion, at each level of each sweep.
-- quantile_cont interpolates linearly between the two nearest trials. Diverged trials count like any other.
CREATE VIEW bands AS
SELECT
    train_distortion,
    test_distortion,
    parameter,
    label,
    level,
    step,
    practical,
    max(n) AS n,
    count(*) AS trials,
    count(*) FILTER (diverged) AS diverged,
    (
        SELECT count(*) FROM stored.membership AS planned SEMI JOIN stored.pruned USING (trial_id)
        WHERE planned.label = results.label AND planned.train_distortion = results.train_distortion
    ) AS pruned,
    min(accuracy) AS min,
    quantile_cont(accuracy, 0.25) AS q25,
    quantile_cont(accuracy, 0.50) AS median,
    quantile_cont(accuracy, 0.75) AS q75,
    max(accuracy) AS max,
    any_value(baseline) AS baseline
FROM stored.results
WHERE train_distortion IS NOT NULL
GROUP BY train_distortion, test_distortion, parameter, label, level, step, practical, sweep
ORDER BY min(distortion_position), sweep, min(label_position), step;


-- Worst and best trial at each practical level; of equals, the one that stands first in the plan.
CREATE VIEW practical AS
SELECT
    test_distortion,
    parameter,
    level,
    train_distortion,
    label,
    max(n) AS n,
    count(*) AS trials,
    count(*) FILTER (diverged) AS diverged,
    first(accuracy ORDER BY accuracy, position) AS worst,
    first(accuracy ORDER BY accuracy DESC, position) AS best,
    max(accuracy) - min(accuracy) AS width,
    any_value(baseline) AS baseline,
    first(standard_error ORDER BY accuracy, position) AS worst_error,
    first(standard_error ORDER BY accuracy DESC, position) AS best_error,
    first(hyperparameters ORDER BY accuracy, position) AS worst_hyperparameters,
    first(hyperparameters ORDER BY accuracy DESC, position) AS best_hyperparameters,
    first(trial_id ORDER BY accuracy, position) AS worst_trial,
    first(trial_id ORDER BY accuracy DESC, position) AS best_trial
FROM stored.results
WHERE practical
GROUP BY test_distortion, parameter, level, train_distortion, label, sweep
ORDER BY sweep, min(distortion_position), min(label_position);


-- `13 of 15: without frost, snow`, `1 of 15: fog`: how many of a benchmark's main parts a mean is over.
CREATE MACRO stored.parts(whose, present) AS (
    SELECT
        len(present) || ' of ' || count(*) || CASE
            WHEN len(present) = count(*) THEN ''
            WHEN len(present) < count(*) / 2 THEN ': ' || coalesce(
                string_agg(part.name, ', ' ORDER BY part.place) FILTER (list_contains(present, part.name)), 'none'
            )
            ELSE ': without ' || string_agg(part.name, ', ' ORDER BY part.place)
                FILTER (NOT list_contains(present, part.name))
        END
    FROM stored.main AS part
    WHERE part.family = whose
);


-- What each trial's training has shown of the benchmarks: its own, and that of the trials that it started from.
CREATE VIEW stored.shown AS
WITH RECURSIVE line AS (
    SELECT DISTINCT trial_id, trial_id AS ancestor FROM stored.membership
    UNION
    SELECT line.trial_id, trained.parent
    FROM line
    JOIN stored.trials AS trained ON trained.trial_id = line.ancestor
    WHERE trained.start = 'trial'
)
SELECT DISTINCT line.trial_id, unnest(members.shown) AS name
FROM line
JOIN stored.membership AS members ON members.trial_id = line.ancestor;


-- Each cell of each corruption on test images, with the trial's error on undistorted ones.
CREATE VIEW stored.corrupted AS
SELECT
    cells.trial_id,
    condition_id,
    planned.position AS place,
    planned.benchmark,
    planned.name,
    planned.test_distortion AS corruption,
    planned.level AS severity,
    planned.extra,
    planned.noise,
    planned.normalizer,
    cells.rendering,
    1 - cells.correct / cells.n AS error,
    1 - clean.correct / clean.n AS clean_error
FROM stored.evaluations AS cells
JOIN stored.conditions AS planned USING (condition_id)
LEFT JOIN (
    FROM stored.evaluations AS cells SEMI JOIN stored.conditions USING (condition_id)
    WHERE cells.family = 'clean' AND cells.role = 'best' AND cells.split = 'test'
) AS clean USING (trial_id)
WHERE planned.family = 'corruption' AND planned.split = 'test' AND cells.role = 'best' AND planned.benchmark IS NOT NULL;


-- Whose errors the others' are divided by, at each corruption and severity: the mean over the trials of a label, made
-- from images that came about in the same way, or AlexNet.
CREATE VIEW stored.normal_errors AS
SELECT
    cells.condition_id,
    cells.rendering,
    avg(cells.error) AS error,
    avg(cells.clean_error) AS clean_error,
    true AS by_severity
FROM stored.corrupted AS cells
WHERE cells.trial_id IN (SELECT trial_id FROM stored.membership WHERE label = cells.normalizer)
GROUP BY cells.condition_id, cells.rendering
UNION ALL
SELECT DISTINCT cells.condition_id, cells.rendering, known.error, known.clean_error, known.by_severity
FROM stored.corrupted AS cells
JOIN stored.alexnet_errors AS known USING (name, severity)
WHERE cells.normalizer = 'alexnet' AND 'alexnet' NOT IN (SELECT label FROM stored.membership);


-- Corruption errors: CE = Σₛ E(s) / Σₛ E'(s) over the severities s that were tested, E' the normaliser's. Where one of
-- its errors is missing there is no CE; of AlexNet's four extra ones only the sum over all five severities is known.
CREATE VIEW stored.ce AS
WITH summed AS (
    SELECT
        benchmark,
        label,
        trial_id,
        corruption,
        cells.name,
        count(*) AS severities,
        avg(cells.error) AS error,
        sum(cells.error) AS errors,
        sum(cells.error - cells.clean_error) AS above_clean,
        count(normal.error) = count(*) AND (bool_and(normal.by_severity) OR count(*) = 5) AS known,
        avg(normal.error) AS normal_error,
        sum(normal.error) AS normal_errors,
        round(sum(normal.error - normal.clean_error), 9) AS normal_above_clean,
        extra,
        noise,
        normalizer,
        cells.rendering,
        min(members.position) AS position,
        min(cells.place) AS place
    FROM stored.corrupted AS cells
    JOIN stored.membership AS members USING (trial_id)
    LEFT JOIN stored.normal_errors AS normal
        ON normal.condition_id = cells.condition_id AND normal.rendering IS NOT DISTINCT FROM cells.rendering
    GROUP BY benchmark, label, trial_id, corruption, cells.name, extra, noise, normalizer, cells.rendering
)
SELECT
    benchmark,
    label,
    trial_id,
    corruption,
    name,
    severities,
    error,
    CASE WHEN known THEN normal_error END AS normalizer_error,
    CASE WHEN known THEN errors / nullif(normal_errors, 0) END AS ce,
    CASE WHEN known THEN above_clean / nullif(greatest(normal_above_clean, 0), 0) END AS relative_ce,
    shown.name IS NOT NULL AS seen,
    extra,
    noise,
    normalizer,
    rendering,
    position,
    place
FROM summed
LEFT JOIN stored.shown AS shown USING (trial_id, name);


-- The corruption errors of each trial, once for each label it stands under.
CREATE VIEW ce AS
SELECT each.* EXCLUDE (name, position, place)
FROM stored.ce AS each
ORDER BY position, place;


-- Means over the benchmark's main corruptions: mCE is the mean of CE, each corruption counting alike, and there is none
-- while one of them has no CE. How many of the 15 they are over stands beside them.
CREATE VIEW mce AS
WITH counted AS (
    SELECT
        benchmark,
        label,
        trial_id,
        normalizer,
        list(name) AS names,
        min(severities) AS severities,
        count(ce) = count(*) AS known,
        avg(ce) AS mce,
        CASE WHEN count(relative_ce) = count(*) THEN avg(relative_ce) END AS relative_mce,
        string_agg(corruption, ', ' ORDER BY place) FILTER (ce IS NOT NULL AND relative_ce IS NULL) AS no_relative_ce,
        avg(error) AS mean_error,
        avg(ce) FILTER (NOT seen) AS mce_without_seen,
        avg(ce) FILTER (NOT noise) AS mce_without_noise,
        string_agg(corruption, ', ' ORDER BY place) FILTER (seen) AS seen,
        string_agg(DISTINCT rendering, ', ' ORDER BY rendering) AS rendering,
        min(position) AS position
    FROM stored.ce
    WHERE NOT extra
    GROUP BY benchmark, label, trial_id, normalizer
)
SELECT
    benchmark,
    label,
    trial_id,
    trials.train_distortion,
    trials.hyperparameters,
    CASE WHEN known THEN mce END AS mce,
    relative_mce,
    no_relative_ce,
    mean_error,
    CASE WHEN known THEN mce_without_seen END AS mce_without_seen,
    CASE WHEN known THEN mce_without_noise END AS mce_without_noise,
    stored.parts('corruption', names) AS corruptions,
    severities,
    seen,
    normalizer,
    rendering,
    trials.clean_accuracy,
    trials.images_seen,
    trials.labels_used,
    trials.diverged
FROM counted
JOIN main.trials AS trials USING (trial_id, label)
ORDER BY position, benchmark;


-- Each trial's flips within the sequences of each perturbation, at each difficulty.
CREATE VIEW stored.flipped AS
SELECT
    counts.trial_id,
    condition_id,
    planned.position AS place,
    planned.benchmark,
    planned.name,
    planned.test_distortion AS perturbation,
    counts.difficulty,
    planned.extra,
    planned.noise,
    planned.normalizer,
    counts.flips / counts.pairs AS flip_probability,
    counts.top5_distance_sum / counts.pairs AS top5_distance
FROM stored.flips AS counts
JOIN stored.conditions AS planned USING (condition_id)
WHERE planned.split = 'test' AND counts.role = 'best';


-- Whose flips the others' are divided by: the mean over the trials of a label, or AlexNet at difficulty 1.
CREATE VIEW stored.normal_flips AS
SELECT
    counts.condition_id,
    counts.difficulty,
    avg(counts.flip_probability) AS flip_probability,
    avg(counts.top5_distance) AS top5_distance
FROM stored.flipped AS counts
WHERE counts.trial_id IN (SELECT trial_id FROM stored.membership WHERE label = counts.normalizer)
GROUP BY counts.condition_id, counts.difficulty
UNION ALL
SELECT DISTINCT counts.condition_id, counts.difficulty, known.flip_probability, known.top5_distance
FROM stored.flipped AS counts
JOIN stored.alexnet_flips AS known USING (name)
WHERE counts.difficulty = 1
    AND counts.normalizer = 'alexnet' AND 'alexnet' NOT IN (SELECT label FROM stored.membership);


-- Flip rates FR = FP / FP' and top-5 distances T5D = uT5D / uT5D', each over the normaliser's.
CREATE VIEW stored.flip_rates AS
SELECT
    counts.benchmark,
    members.label,
    trial_id,
    counts.perturbation,
    name,
    counts.difficulty,
    counts.flip_probability,
    counts.top5_distance,
    counts.flip_probability / nullif(normal.flip_probability, 0) AS flip_rate,
    counts.top5_distance / nullif(normal.top5_distance, 0) AS t5d,
    shown.name IS NOT NULL AS seen,
    counts.extra,
    counts.noise,
    counts.normalizer,
    members.position,
    counts.place
FROM stored.flipped AS counts
JOIN stored.membership AS members USING (trial_id)
LEFT JOIN stored.normal_flips AS normal USING (condition_id, difficulty)
LEFT JOIN stored.shown AS shown USING (trial_id, name);


-- The flip rates of each trial, once for each label it stands under.
CREATE VIEW flip_rates AS
SELECT each.* EXCLUDE (name, position, place)
FROM stored.flip_rates AS each
ORDER BY position, place, difficulty;


-- Means over the benchmark's main perturbations, each counting alike, at the difficulties that all of them were tested
-- at: frames that time alone changes serve all three, noise only those asked for.
CREATE VIEW mfr AS
WITH counted AS (
    SELECT
        benchmark,
        label,
        trial_id,
        difficulty,
        normalizer,
        list(name) AS names,
        CASE WHEN count(flip_rate) = count(*) THEN avg(flip_rate) END AS mfr,
        string_agg(perturbation, ', ' ORDER BY place) FILTER (normalizer IS NOT NULL AND flip_rate IS NULL) AS no_flip_rate,
        CASE WHEN count(t5d) = count(*) THEN avg(t5d) END AS mt5d,
        CASE WHEN count(flip_rate) = count(*) THEN avg(flip_rate) FILTER (NOT seen) END AS mfr_without_seen,
        CASE WHEN count(flip_rate) = count(*) THEN avg(flip_rate) FILTER (NOT noise) END AS mfr_without_noise,
        avg(flip_probability) AS mean_flip_probability,
        CASE WHEN count(top5_distance) = count(*) THEN avg(top5_distance) END AS mean_top5_distance,
        string_agg(perturbation, ', ' ORDER BY place) FILTER (seen) AS seen,
        min(position) AS position
    FROM stored.flip_rates
    WHERE NOT extra
    GROUP BY benchmark, label, trial_id, difficulty, normalizer
    QUALIFY count(*) = max(count(*)) OVER (PARTITION BY benchmark, label, trial_id)
)
SELECT
    benchmark,
    label,
    trial_id,
    trials.train_distortion,
    trials.hyperparameters,
    difficulty,
    mfr,
    no_flip_rate,
    mt5d,
    mfr_without_seen,
    mfr_without_noise,
    mean_flip_probability,
    mean_top5_distance,
    stored.parts('perturbation', names) AS perturbations,
    seen,
    normalizer,
    trials.clean_accuracy,
    trials.images_seen,
    trials.labels_used,
    trials.diverged
FROM counted
JOIN main.trials AS trials USING (trial_id, label)
ORDER BY position, benchmark, difficulty;


-- Every point of every search, with what it came to.
CREATE VIEW pareto AS
SELECT
    points.label,
    points.train_distortion,
    points.number,
    points.front,
    points.validation,
    points.test,
    members.hyperparameters,
    points.trials,
    points.trial_id
FROM stored.points AS points
JOIN stored.membership AS members USING (trial_id, label)
ORDER BY points.position;


-- Every trial in the store, of whichever study.
CREATE VIEW all_trials AS
SELECT
    trial_id,
    method,
    train_distortion,
    distortion,
    attack,
    replicate,
    diverged,
    diverged_epoch,
    model,
    data,
    start,
    parent,
    epochs,
    batch_size,
    selected_epoch,
    validation_correct / validation_n AS validation_accuracy,
    validation_n,
    images_seen,
    labels_used,
    parameter_count,
    weights_hash,
    identity
FROM stored.all_trials
ORDER BY method.name, train_distortion NULLS FIRST, trial_id;


-- How each trial stood where it halted to be compared; once for each label it stands under.
CREATE VIEW rungs AS
SELECT
    trial_id,
    members.label,
    members.train_distortion,
    members.hyperparameters,
    halted.epochs,
    halted.validation_correct / halted.validation_n AS validation_accuracy,
    halted.validation_loss AS loss,
    halted.epochs IS NOT DISTINCT FROM pruned.epochs AS pruned
FROM stored.rungs AS halted
JOIN stored.membership AS members USING (trial_id)
LEFT JOIN stored.pruned AS pruned USING (trial_id)
ORDER BY members.position, halted.epochs;
