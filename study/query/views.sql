-- The views that `study query` offers, over the tables of the schema `stored`:
--
--   membership     the study's newest plan: one row a trial under a label, hyperparameters packed into structs
--   conditions     the study's test conditions, each with its place in its sweep
--   trials, epochs, evaluations, predictions, attempts      rows of this study's trials, as they are stored
--   points         the points that the study's searches drew, with their objectives packed into structs
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
    cells.n,
    cells.correct / cells.n AS accuracy,
    counts.attempts,
    counts.successes / nullif(counts.attempts, 0) AS success_rate,
    counts.blank / nullif(counts.attempts, 0) AS blank_share,
    moments.linf_mean,
    sqrt(abs(moments.linf_square_mean - moments.linf_mean ** 2)) AS linf_std,
    moments.pass_mean,
    sqrt(abs(moments.pass_square_mean - moments.pass_mean ** 2)) AS pass_std,
    moments.pass_unaligned_mean,
    sqrt(abs(moments.pass_unaligned_square_mean - moments.pass_unaligned_mean ** 2)) AS pass_unaligned_std,
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
    parameter_count,
    weights_hash,
    identity
FROM stored.all_trials
ORDER BY method.name, train_distortion NULLS FIRST, trial_id;
