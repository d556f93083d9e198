"""Loading: what a sound study says, and every fault of an unsound one, all at once."""

from pathlib import Path

import pytest

from study.plan import Figure, Trained
from study.planning import make_plan
from study.spec import FromLabel, FromScratch, FromWeights, SpecError, load
from tests.study.hand_made import FINGERPRINT
from tests.study.spec.demo import DEMO, faults_of, loaded, written

ST = "{method: stability_training, divergence: kl, alpha: {log: [0.01, 10, 3]}, distortion: all}"
DA = "{method: data_augmentation, p: {linear: [0.5, 1, 2]}, distortion: [gaussian_noise, rotation]}"
AT = "{method: adversarial_training, mu: {linear: [0, 0.5, 2]}, distortion: fgsm}"
BANG = "  B: {method: bang, beta: 1, epsilon: {step: [0.78, 0.84, 0.005]}"
BASELINE = "{method: standard, from: scratch, epochs: 8}"


def test_the_demo_as_it_is_drawn() -> None:
    spec = load("demo_mnist")
    assert [method.label for method in spec.methods] == ["Baseline", "ST", "ST sym", "DA", "AT"]
    baseline, st = spec.method("Baseline"), spec.method("ST")
    assert (baseline.train.start, baseline.train.epochs) == (FromScratch(), 8)
    assert (st.train.start, st.train.epochs, st.train.batch_size) == (FromLabel(label="Baseline"), 2, 128)
    assert st.axes[0].values == (0.01, 0.316227766017, 10.0)
    assert [setting.steps[0].name for setting in st.settings] == ["gaussian_noise", "rotation", "fgsm"]
    assert spec.train["optimizer"] == {"sgd": {"lr": 0.01, "momentum": 0.9, "nesterov": True}}
    jpeg = spec.evaluate.sweeps[3]
    assert (jpeg.parameter, jpeg.levels, jpeg.practical) == ("quality", (90, 50, 30, 10, 5), 30)
    assert spec.text == DEMO


def test_the_faults_of_the_design_read_as_drawn(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        ("stability_training, divergence: kl", "stabilty_training, divergence: kl"),
        ("p: {linear: [0.5, 1, 2]}", "p: 1.5"),
        ("  AT:", "  ST:"),
        ("practical: 10}", "practical: 150}"),
    )
    with pytest.raises(SpecError) as error:
        load(path)
    assert str(error.value).splitlines() == [
        f"{path}:26  methods.ST.method: no method is called 'stabilty_training'; did you mean 'stability_training'?",
        f"{path}:30  methods.DA.p: p, the probability that an image is distorted, lies in [0, 1]; got 1.5",
        f"{path}:31  methods.ST: the name stands twice (first on line 25); give one of them another",
        f"{path}:40  evaluate.sweeps.thumbnail.practical: 150 is not among its levels 22, 14, 10, 7, 5"
        " (the images are 28 px wide)",
        "4 faults.  `study methods`, `distortions`, `corruptions`, `perturbations`, `models`, `datasets` list "
        "what exists.",
    ]


def test_a_method_may_count_what_the_others_do_not(tmp_path: Path) -> None:
    spec = loaded(tmp_path, ("epochs:     2", "iterations: 100"), ("mu: {lin", "epochs: 7, mu: {lin"))
    counted = {method.label: (method.train.epochs, method.train.iterations) for method in spec.methods}
    assert counted == {
        "Baseline": (8, None), "ST": (None, 100), "ST sym": (None, 100), "DA": (None, 100), "AT": (7, None),
    }  # fmt: skip


def test_nothing_is_chosen_on_images_that_trained(tmp_path: Path) -> None:
    everything = ("data:  mnist_5k", "data: {name: mnist, held_out: false}")
    found = faults_of(tmp_path, everything)
    assert [fault.partition(":")[0] for fault in found] == [
        f"methods.{label}.select" for label in ("Baseline", "ST", "ST sym", "DA", "AT")
    ]
    assert all("write select: last" in fault for fault in found)
    loaded(tmp_path, everything, ("best_validation", "last"))
    kept = loaded(tmp_path, ("data:  mnist_5k", "data: {name: mnist, held_out: true}"))
    assert kept.data.parameters["held_out"] is True


def test_a_list_that_is_one_value_is_no_grid(tmp_path: Path) -> None:
    spec = loaded(tmp_path, ("select: ", "schedule: {multi_step: {milestones: [1, 2]}}\n  select: "))
    schedule = spec.method("ST").train.schedule
    assert schedule.parameters == {"milestones": (1, 2), "factor": 0.1, "unit": "epochs"}
    assert len(spec.methods) == 5


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("study: demo_mnist", "study: my study", "study: a study's name is up to 100 letters, digits"),
        ("study: demo_mnist", "study: Default", "Default is what MLflow calls the experiment of runs that belong to"),
        ("study: demo_mnist", "study: ../up", "study: a study's name is"),
        ("study: demo_mnist", "study: .hidden", "study: a study's name is"),
        ("study: demo_mnist", "study: mine.yaml", "study: a study's name is"),
        ("study: demo_mnist", "study:", "study: a study's name is"),
        ("study: demo_mnist\n", "", "study must be given"),
        ("title: Stab", "title: [x]\nfigures:\n  a: Stab", "title: a title is a text"),
        ("model: lenet", "modle: lenet", "modle: no section of a study is called 'modle'; did you mean 'model'?"),
        ("model: lenet", "model: lenett", "model: no model is called 'lenett'; did you mean 'lenet'?"),
        ("model: lenet", "model: {name: lenet, dropuot: 0.5}", "model.dropuot: no parameter of lenet is called"),
        ("model: lenet", "model: {name: lenet, dropout: [0.5]}", "model.dropout: dropout takes one value"),
        ("model: lenet", "model: {width: 3}", "model: name must be given"),
        ("model: lenet", "model: [lenet]", "model: the name of a model is expected, got a list"),
        ("data:  mnist_5k", "data:  minst_5k", "data: no data set is called 'minst_5k'; did you mean 'mnist_5k'?"),
        ("data:  mnist_5k", "data: {name: mnist_5k, train: 0}", "data.train: "),
        ("train:  ", "trian:  ", "trian: no section of a study is called 'trian'; did you mean 'train'?"),
        ("epochs:     2", "epoch: 3", "train.epoch: no line of train is called 'epoch'; did you mean 'epochs'?"),
        ("epochs:     2\n", "\n", "methods.ST: epochs or iterations must be given, in train: for all methods or here"),
        ("epochs:     2", "epochs: 2.5", "train.epochs: epochs is a whole number; got 2.5"),
        ("epochs:     2", "epochs: 0", "train.epochs: epochs, passes over the training images, lies in [1, 1e+06]"),
        ("epochs:     2", "epochs: [1, 2]", "train.epochs: epochs takes one value ([1, 1e+06]), not a list"),
        ("epochs:     2", "iterations: 100", None),
        ("epochs:     2", "iterations: 0", "train.iterations: iterations, updates, instead of epochs"),
        ("epochs:     2", "epochs: 2\n  iterations: 9", "train.iterations: epochs and iterations both say how long"),
        ("epochs: 8}", "epochs: 8, iterations: 9}", "methods.Baseline.iterations: epochs and iterations both say how"),
        ("epochs:     2", "epochs: 2\n  flip: true\n  crop: 4\n  shuffle: false", None),
        ("epochs:     2", "epochs: 2\n  flip: 0.5", "train.flip: flip is true | false; got 0.5"),
        ("epochs:     2", "epochs: 2\n  crop: 28", "train.crop: a shift of 28 px can leave nothing of images of 28 px"),
        ("select: ", "schedule: {multi_step: {milestones: [1, 2]}}\n  select: ", None),
        ("select: ", "schedule: multi_step\n  select: ", "train.schedule: milestones must be given (when the rate"),
        ("select: ", "schedule: {multi_step: {milestones: 3}}\n  select: ", "milestones: milestones is a list of numb"),
        ("select: ", "schedule: {multi_step: {milestones: [[1]]}}\n  select: ", "milestones: milestones is a list of"),
        ("select: ", "schedule: {multi_step: {milestones: [2, x]}}\n  select: ", "milestones is a finite number; got"),
        ("select: ", "schedule: {multi_step: {milestones: [2, 1]}}\n  select: ", "multi_step: milestones rise from on"),
        ("nesterov: true", "momentum_rule: caffe", "train.optimizer.sgd: momentum_rule caffe is plain momentum, as C"),
        ("sgd: {lr", "sdg: {lr", "train.optimizer.sdg: no optimizer is called 'sdg'; did you mean 'sgd'?"),
        ("lr: 0.01", "lr: -1", "train.optimizer.sgd.lr: lr, learning rate, must be above 0; got -1"),
        ("lr: 0.01, ", "", "train.optimizer.sgd: lr must be given (learning rate, > 0)"),
        ("momentum: 0.9", "momentum: 0", "train.optimizer.sgd: nesterov needs a momentum above 0"),
        ("{sgd: {lr: 0.01, momentum: 0.9, nesterov: true}}", "sgd", "train.optimizer: lr must be given"),
        ("select:     best_validation", "select: bset", "train.select: select is one of best_validation, last"),
        ("select: ", "schedule: cosin\n  select: ", "train.schedule: no schedule is called 'cosin'; did you mean 'co"),
        ("from:       Baseline", "from: Baselin", "train.from: no method of this study is called 'Baselin'; did you"),
        ("from:       Baseline", "from: {weights: }", "train.from.weights: the path of a file of weights is exp"),
        ("from:       Baseline", "from: [Baseline]", "train.from: from: is scratch, a label or {weights: FILE}"),
        ("{sigma:   [0.1, 0.3]}", "{sigma: []}", "distortions.gaussian_noise.sigma: an axis needs at least one value"),
        ("{sigma:   [0.1, 0.3]}", "{}", "distortions.gaussian_noise: sigma must be given"),
        ("{sigma:   [0.1, 0.3]}", "{sgima: [1]}", "distortions.gaussian_noise.sgima: no parameter of gaussian_noise"),
        ("{sigma:   [0.1, 0.3]}", "[0.1, 0.3]", "distortions.gaussian_noise: the ranges of gaussian_noise is a map"),
        ("  gaussian_noise: {sigma:   [0.1", "  gausian_noise: {sigma: [0.1", "distortions.gausian_noise: no distorti"),
        ("[30, 60]", "[30, 600]", "distortions.rotation.degrees[1]: degrees, largest angle, either way, lies in"),
        ("[30, 60]", "{uniform: [0, 90]}", "distortions.rotation.degrees: {uniform: …} is an axis for a search"),
        ("methods: ", "  thumbnail: {size: 29}\nmethods: ", "distortions.thumbnail.size: size is at most the 28 px"),
        ("methods: ", "  random_crop: {offset: [0, 3]}\nmethods: ", "distortions.random_crop: it needs 3 px around"),
        ("methods: ", "  all: {}\nmethods: ", "distortions.all: all stands for every distortion"),
        ("methods: ", "  rotation then jpg: {}\nmethods: ", "distortions.rotation then jpg: no distortion of this stu"),
        ("methods: ", "  rotation then fgsm: {a: 1}\nmethods: ", "distortions.rotation then fgsm: a sequence takes it"),
        ("alpha: {log: [0.01, 10, 3]}, distortion: all", "distortion: all", "methods.ST: alpha must be given (weight"),
        ("alpha: {log", "alhpa: {log", "methods.ST.alhpa: no parameter of stability_training or line of train"),
        ("divergence: kl", "divergence: lk", "methods.ST.divergence: divergence is one of kl, symmetric_kl"),
        ("  Baseline:   ", "  scratch:   ", "methods.scratch: scratch means random weights in from:"),
        (", distortion: fgsm}", "}", "methods.AT: AT trains on a distortion; name it with distortion: (gaussian_noise"),
        ("distortion: fgsm}", "distortion: rotation}", "methods.AT.distortion: AT trains on distortions of the kind a"),
        ("distortion: fgsm}", "distortion: fgms}", "methods.AT.distortion: no distortion of this study is called 'fgm"),
        ("distortion: fgsm}", "distortion: [fgsm, fgsm]}", "methods.AT.distortion[1]: 'fgsm' stands twice"),
        ("distortion: fgsm}", "distortion: []}", "methods.AT.distortion: a method trains on at least one distortion"),
        ("epochs: 8}", "epochs: 8, distortion: fgsm}", "methods.Baseline.distortion: Baseline trains on undistorted"),
        ("  AT: ", f"{BANG}, distortion: fgsm}}\n  AT: ", "methods.B.distortion: BANG trains on undistorted images: "),
        ("  AT: ", f"{BANG}, mu: 0.5}}\n  AT: ", "methods.B.mu: mu is adversarial_training's, and BANG is joined"),
        ("  AT: ", f"{BANG}, mo: 0.5}}\n  AT: ", "methods.B.mo: no parameter of bang or line of train is called 'mo'"),
        ("  AT: ", f"{BANG}}}\n  AT: ", None),
        ("mu: {lin", "steps: 3, mu: {lin", "methods.AT.steps: steps is a parameter of pgd; write it at distortions: {"),
        ("select: ", "schedule: {cosine: {final: 1}}\n  select: ", "schedule: cosine falls to final, which is at most"),
        ("select: ", "schedule: {cosine: {final: 0.01}}\n  select: ", None),
        ("from: scratch, ", "", "methods.Baseline.from: the starts Baseline → Baseline go in a circle"),
        ("from: scratch", "from: AT", "methods.Baseline.from: the starts Baseline → AT → Baseline go in a circle"),
        ("mu: {lin", "from: DA, mu: {lin", "methods.AT.from: a start is one trial, and DA has 8 a replicate"),
        ("mu: {lin", "replicates: 0, mu: {lin", "methods.AT.replicates: replicates, how often each point is trained"),
        ("mu: {lin", "vary: one, mu: {lin", "methods.AT.vary: vary is one of product, one_at_a_time, got 'one'"),
        ("mu: {lin", "zip: [mu], mu: {lin", "methods.AT.zip: zip takes a list of two or more names"),
        ("mu: {lin", "zip: [mu, sigma], mu: {lin", "methods.AT.zip: no parameter here is called 'sigma'; there are"),
        ("0, 0.5, 2]}, d", "0, 0.5, 3]}, zip: [mu, epsilon], d", "as many values as one another, got mu 3, epsilon 2"),
        ("mu: {lin", "resources: {gpu: 1}, mu: {lin", "methods.AT.resources.gpu: no resource is called 'gpu'; did you"),
        ("mu: {lin", "resources: {gpus: 1.5}, mu: {lin", "methods.AT.resources.gpus: above 1, a trial takes whole GPU"),
        ("evaluate: ", "resources: {cpus: 0}\nevaluate: ", "resources.cpus: cpus, what a trial occupies, lies in"),
        ("practical: 0.3}", "practical: 0.35}", "evaluate.sweeps.gaussian_noise.practical: 0.35 is not among its leve"),
        (",     practical: 0.3}", "}", "sigma: practical must be given: the usual level, 0.05, is not among the level"),
        ("[22, 14, 10", "[28, 14, 10", None),
        ("[22, 14, 10", "[29, 14, 10", "evaluate.sweeps.thumbnail.size: size is at most the 28 px of the images of mn"),
        ("[22, 14, 10, 7, 5],            practical: 10", "[28, 5], practical: 28", "28 leaves these images as they ar"),
        ("[15, 30, 45, 60, 90],          practical: 30", "[0, 5], practical: 0", "0 leaves these images as they are;"),
        ("[0.01, 0.05", "[-0.01, 0.05", "evaluate.sweeps.fgsm.epsilon[0]: epsilon, largest change of a pixel (L∞), li"),
        ("    jpeg: ", "    jpg: ", "evaluate.sweeps.jpg: no distortion is called 'jpg'; did you mean 'jpeg'?"),
        ("{quality: [90", "{qualty: [90", "evaluate.sweeps.jpeg: quality must be given: the levels to test at ([1, 10"),
        ("sweeps:", "sweep:", "evaluate.sweep: no line of evaluate is called 'sweep'; did you mean 'sweeps'?"),
        ("evaluate: ", "figures: {1a: {train: jpeg}}\nevaluate: ", "figures.1a.train: no training distortion of this"),
        ("evaluate: ", "figures: {1a: {test: blur}}\nevaluate: ", "figures.1a.test: no test distortion of this study"),
        ("evaluate: ", "figures: {1a: {methods: [S]}}\nevaluate: ", "figures.1a.methods[0]: no method of this study i"),
        ("evaluate: ", "figures: {1a: {also: {train: x}}}\nevaluate: ", "figures.1a.also.train: no training distortio"),
        ("evaluate: ", "figures: {1a: {train: fgsm}}\nevaluate: ", "figures.1a: test must be given: a test distort"),
        ("evaluate: ", "figures: {1a: {train: fgsm, test: fgsm, methods: DA}}\nevaluate: ", "figures.1a.methods: DA d"),
        ("evaluate: ", "figures: {1a: {train: fgsm, test: jpeg, pick_at: 7}}\nevaluate: ", "figures.1a.pick_at: 7 is"),
        ("evaluate: ", "figures: {1a: {train: fgsm, tests: fgsm}}\nevaluate: ", "figures.1a.tests: no line of a fig"),
        ("evaluate: ", "figures: {all: {train: fgsm, test: fgsm}}\nevaluate: ", "figures.all: all is what a figure "),
        ("evaluate: ", "figures: {' ': {train: fgsm, test: fgsm}}\nevaluate: ", "a figure's name is 1 to 40 print"),
        ("evaluate: ", "figures: {1a: {train: fgsm, test: fgsm, methods: []}}\nevaluate: ", "methods: a figure sh"),
        (
            "evaluate: ",
            "figures: {1a: {train: fgsm, test: jpeg, methods: ST, also: {train: fgsm}}}\nevaluate: ",
            "figures.1a: ST on fgsm stands in this figure already; leave it out of also",
        ),
        ("evaluate: ", "figures: {1a: 3}\nevaluate: ", "figures.1a: figure 1a is a mapping of names to values, got 3"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_way_out(tmp_path: Path, old: str, new: str, fault: str | None) -> None:
    if fault is None:
        loaded(tmp_path, (old, new))
        return
    found = faults_of(tmp_path, (old, new))
    assert any(fault in one for one in found), found


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("methods.ST=stability_training", "methods.ST: the method ST is a mapping of names to values, got"),
        ("methods.ST=[1]", "methods.ST: the method ST is a mapping of names to values, got a list"),
        ("evaluate.sweeps.rotation=[1]", "evaluate.sweeps.rotation: the sweep of rotation is a mapping of names to"),
        ("train=3", "train: train is a mapping of names to values, got 3"),
        ("distortions.rotation=60", "distortions.rotation: the ranges of rotation is a mapping of names to values"),
        ("train.optimizer={sgd: 3}", "train.optimizer.sgd: the optimizer is a mapping of names to values, got 3"),
        (
            "methods.DA.distortion=[all, rotation]",
            "methods.DA.distortion[0]: all stands alone, for every distortion of this study: write distortion: all",
        ),
        (
            "data={name: mnist_5k, train: 5000}",
            "data.train: train, training images to use, lies in [1, 3000]; got 5000",
        ),
        ("data={name: image_folder, root: x, size: -28}", "data.size: size, side of an image, must be at least 1; got"),
        ("data={name: image_folder}", "data: root must be given"),
        ("data={name: mnist, train: 60000}", "data: the training file has 60,000 images; got validation"),
        ("model={name: lenet, dropout: 3}", "model.dropout: dropout, share of the hidden units dropped in training"),
    ],
)
def test_one_mistake_is_one_fault(override: str, fault: str) -> None:
    with pytest.raises(SpecError) as error:
        load("demo_mnist", [override])
    found = [f"{one.path}: {one.message}" for one in error.value.faults]
    assert len(found) == 1, found
    assert found[0].startswith(fault)


def test_a_fault_of_the_data_hides_none_that_do_not_depend_on_it(tmp_path: Path) -> None:
    sweep = ("size:    [22, 14, 10, 7, 5],            practical: 10", "size: [28, 14], practical: 28")
    found = faults_of(tmp_path, ("data:  mnist_5k", "data: {name: mnist_5k, train: 5000, border: -1}"), sweep)
    paths = [one.partition(":")[0] for one in found]
    assert paths == ["data.train", "data.border", "evaluate.sweeps.thumbnail.practical"]
    assert "28 leaves these images as they are" in found[2]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "3\n"])
def test_what_is_no_mapping_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match="a study is a mapping of names to values"):
        load(path)


def test_a_model_that_cannot_take_the_images_is_told(tmp_path: Path) -> None:
    (tmp_path / "images" / "train" / "cat").mkdir(parents=True)
    small = f"data: {{name: image_folder, root: {tmp_path / 'images'}, size: 5}}"
    found = faults_of(tmp_path, ("data:  mnist_5k", small), ("size:    [22, 14, 10, 7, 5]", "size: [4, 3]"))
    assert any(one.startswith("model: lenet takes images of at least") for one in found), found


def test_data_that_is_not_here_does_not_keep_a_study_from_being_read(tmp_path: Path) -> None:
    spec = loaded(tmp_path, ("data:  mnist_5k", "data: {name: image_folder, root: nowhere, size: 28}"))
    assert spec.data.parameters["size"] == 28


def test_the_usual_practical_level_counts_where_it_is_a_level(tmp_path: Path) -> None:
    spec = loaded(tmp_path, ("[0.1, 0.2, 0.3, 0.4, 0.6],     practical: 0.3", "[0.05, 0.1]"))
    assert spec.evaluate.sweeps[0].practical == 0.05


def test_a_margin_is_no_fault_where_the_images_have_a_border(tmp_path: Path) -> None:
    crop = ("methods: ", "  random_crop: {offset: [0, 3]}\nmethods: ")
    spec = loaded(tmp_path, crop, ("data:  mnist_5k", "data: {name: mnist_5k, border: 3}"))
    assert len(spec.method("ST").settings) == 4


def test_a_sequence_takes_both_ranges(tmp_path: Path) -> None:
    by_key = loaded(
        tmp_path,
        ("methods: ", "  rotation then gaussian_noise: {}\nmethods: "),
        (DA, "{method: data_augmentation, p: 1, distortion: rotation then gaussian_noise}"),
    )
    [setting] = by_key.method("DA").settings
    assert [(step.name, len(step.axes[0].values)) for step in setting.steps] == [("rotation", 2), ("gaussian_noise", 2)]
    by_name = loaded(tmp_path, (DA, "{method: data_augmentation, p: 1, distortion: rotation then gaussian_noise}"))
    assert by_name.method("DA").settings == (setting,)


def test_an_attack_comes_after_what_needs_a_margin(tmp_path: Path) -> None:
    crop = "  random_crop: {offset: 2}\n  fgsm then random_crop: {}\nmethods: "
    found = faults_of(tmp_path, ("methods: ", crop), ("data:  mnist_5k", "data: {name: mnist_5k, border: 3}"))
    assert found == [
        "distortions.fgsm then random_crop: random_crop needs pixels around the image, so it must come before fgsm"
    ]


def test_a_sweep_of_a_sequence_runs_over_one_level(tmp_path: Path) -> None:
    sweep = "sweeps:\n    rotation then gaussian_noise: {degrees: [15, 30], sigma: 0.1, practical: 30}"
    [both, *_] = loaded(tmp_path, ("sweeps:", sweep)).evaluate.sweeps
    assert (both.parameter, both.levels, both.practical) == ("degrees", (15, 30), 30)
    assert [step.parameters for step in both.at(15)] == [{"degrees": 15}, {"sigma": 0.1}]


@pytest.mark.parametrize(
    ("sweep", "fault"),
    [
        ("rotation then gaussian_noise: {degrees: [15, 30], sigma: [0.1, 0.2]}", "a sweep runs over one level"),
        ("rotation then gaussian_noise: {degrees: 15, sigma: 0.1}", "a sweep runs over one level"),
        ("rotation then rotation: {degrees: [15, 30]}", "degrees belongs to more than one step"),
        ("rotation then gaussian_noise: {degrees: [15, 30], practical: 30}", "sigma must be given"),
    ],
)
def test_a_sweep_that_is_no_sweep_is_told(tmp_path: Path, sweep: str, fault: str) -> None:
    found = faults_of(tmp_path, ("sweeps:", f"sweeps:\n    {sweep}"))
    assert any(fault in one for one in found), found


def test_initial_weights_from_a_file_beside_the_yaml(tmp_path: Path) -> None:
    (tmp_path / "start.pt").write_bytes(b"weights")
    spec = loaded(tmp_path, (BASELINE, "{method: standard, from: {weights: start.pt}, epochs: 8}"))
    start = spec.method("Baseline").train.start
    assert isinstance(start, FromWeights)
    assert start.path == str((tmp_path / "start.pt").resolve())
    assert start.place.path == "methods.Baseline.from.weights"


def test_replicates_start_from_as_many_or_from_one(tmp_path: Path) -> None:
    loaded(tmp_path, (AT, AT.replace("mu:", "replicates: 3, mu:")))
    three = (BASELINE, BASELINE.replace("epochs: 8", "epochs: 8, replicates: 3"))
    loaded(tmp_path, three, (AT, AT.replace("mu:", "replicates: 3, mu:")))
    assert faults_of(tmp_path, three, (AT, AT.replace("mu:", "replicates: 4, mu:"))) == [
        "methods.AT.from: 4 replicates start from 4, or all from one, and Baseline has 3; give it 1 or 4"
    ]


def test_resources_are_laid_over_those_above(tmp_path: Path) -> None:
    spec = loaded(
        tmp_path,
        ("evaluate: ", "resources: {cpus: 2, gpus: 0.5}\nevaluate: "),
        ("mu: {", "resources: {cpus: 4}, mu: {"),
    )
    assert (spec.method("AT").resources.cpus, spec.method("AT").resources.gpus) == (4, 0.5)
    assert (spec.method("ST").resources.cpus, spec.method("ST").resources.gpus) == (2, 0.5)


def test_a_share_of_more_than_one_gpu_is_told_once(tmp_path: Path) -> None:
    top = ("evaluate: ", "resources: {gpus: 1.5}\nevaluate: ")
    found = faults_of(tmp_path, top, ("mu: {", "resources: {cpus: 4}, mu: {"))
    assert found == ["resources.gpus: above 1, a trial takes whole GPUs, got 1.5"]


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("tracking: {mlflow: 'file:./mlruns'}", "tracking.mlflow: MLflow keeps no runs in folders any more, got"),
        (
            "tracking: {mlflow: host:5000}",
            "tracking.mlflow: an address of MLflow begins with http://, https://",
        ),
        ("tracking: {mlflow: 5000}", "tracking.mlflow: an address of MLflow is a text, such as http://host:5000; got"),
        ("tracking: {mlflow: [a]}", "tracking.mlflow: an address of MLflow is a text, such as http://host:5000; got a"),
        ("tracking: {mlfow: a}", "tracking.mlfow: no line of tracking is called 'mlfow'; did you mean 'mlflow'?"),
        ("tracking: http://host", "tracking: tracking is a mapping of names to values, got 'http://host'"),
    ],
)
def test_an_address_that_cannot_be_one_is_a_fault(tmp_path: Path, section: str, fault: str) -> None:
    (found,) = faults_of(tmp_path, ("evaluate: ", f"{section}\nevaluate: "))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    "uri",
    [
        "http://ada:hunter2@host:5000", "https://hunter2@host", "postgresql://ada:hun@hunter2/@host/db",
        "postgresql://host/db?user=ada&password=hunter2",
    ],
)  # fmt: skip
def test_an_address_with_credentials_is_refused_for_the_yaml_is_kept(tmp_path: Path, uri: str) -> None:
    (found,) = faults_of(tmp_path, ("evaluate: ", f"tracking: {{mlflow: '{uri}'}}\nevaluate: "))
    assert found.startswith("tracking.mlflow: a study's YAML is kept with its results, so no user or password stands")
    assert "set MLFLOW_TRACKING_URI to the whole address" in found
    assert "hunter2" not in found
    with pytest.raises(SpecError) as told:
        load("demo_mnist", [f"tracking.mlflow={uri}"])
    assert "hunter2" not in str(told.value)


def test_where_runs_are_tracked(tmp_path: Path) -> None:
    named = loaded(tmp_path, ("evaluate: ", "tracking: {mlflow: 'http://host:5000'}\nevaluate: "))
    assert named.tracking == "http://host:5000"
    assert loaded(tmp_path).tracking is None
    assert loaded(tmp_path, ("evaluate: ", "tracking:\nevaluate: ")).tracking is None
    assert load("demo_mnist", ["tracking.mlflow=https://host"]).tracking == "https://host"


def test_where_runs_are_tracked_is_no_part_of_any_identity(tmp_path: Path) -> None:
    plain = make_plan(loaded(tmp_path), FINGERPRINT)
    elsewhere = make_plan(loaded(tmp_path, ("evaluate: ", "tracking: {mlflow: 'http://h'}\nevaluate: ")), FINGERPRINT)
    assert elsewhere == plain


def test_figures_name_trials_and_where_they_are_picked(tmp_path: Path) -> None:
    figure = "figures: {1a: {train: fgsm, test: jpeg, methods: [ST, AT], pick_at: [30, 5], also: {train: rotation}}}"
    spec = loaded(tmp_path, ("evaluate: ", f"{figure}\nevaluate: "))
    assert spec.figures == (
        Figure(
            name="1a",
            trained=Trained(train_distortion="fgsm", labels=("ST", "AT")),
            test_distortion="jpeg",
            also=(Trained(train_distortion="rotation", labels=("ST", "ST sym", "DA")),),
            pick_at=(30, 5),
        ),
    )


def test_an_unknown_source_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=f"{tmp_path}/demo_mnits.yaml is no file, and .* did you mean 'demo_mnist'"):
        load("demo_mnits.yaml")
    with pytest.raises(SpecError, match="this is a folder"):
        load(tmp_path)


def test_a_name_is_found_with_and_without_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("demo_mnist").text == load("demo_mnist.yaml").text == DEMO
    written(tmp_path, ("epochs:     2", "epochs:     4"))
    assert load("my_study").method("DA").train.epochs == load("my_study.yaml").method("DA").train.epochs == 4


@pytest.mark.parametrize("text", ["a: [", "- a\n", "a: *b\n", "", "a\0", None])
def test_what_cannot_be_read_is_told_without_a_list_of_names(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "x.yaml"
    if text is None:
        path.mkdir()
    else:
        path.write_text(text)
    with pytest.raises(SpecError) as error:
        load(path)
    assert str(error.value).endswith("\n1 fault.")
    with pytest.raises(SpecError, match=r"1 fault\.$"):
        load("nowhere")
