"""Sequences: distortions and attacks one after another, each at its level. A single distortion is a sequence of one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from trainables.attacks import Attack, attacks
from trainables.distortions import Distortion, Level, distortions
from trainables.parameters import complete
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.registry import UnknownNameError

JOIN = " then "


@dataclass(frozen=True)
class Step:
    """One distortion or attack at one level."""

    name: str
    distortion: Distortion | Attack
    level: float

    @property
    def margin(self) -> int:
        return self.distortion.margin(self.level) if isinstance(self.distortion, Distortion) else 0


@dataclass(frozen=True)
class Sequence:
    """Steps in the order in which they are applied; one that holds an attack is an attack."""

    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """`rotation then gaussian_noise`."""
        return JOIN.join(step.name for step in self.steps)

    @property
    def is_attack(self) -> bool:
        return any(isinstance(step.distortion, Attack) for step in self.steps)

    @property
    def margin(self) -> int:
        """Pixels that the source needs on every side beyond the image."""
        return sum(step.margin for step in self.steps)

    def apply(self, source: Tensor, labels: Tensor, model: nn.Module, key: Key) -> Tensor:
        """[N, C, H + 2 margin, W + 2 margin] → [N, C, H, W].

        Each step draws from its own stream, named after the distortion, so an identity step before it changes nothing:
        rotation 0 then gaussian_noise equals gaussian_noise bit for bit.
        """
        seen: Counter[str] = Counter()
        for step in self.steps:
            generator = key.child(step.name, seen[step.name]).generator(source.device)
            seen[step.name] += 1
            if isinstance(step.distortion, Attack):
                source = step.distortion.apply(source, labels, model, step.level, generator)
            else:
                source = step.distortion.apply(source, step.level, generator)
        return source


def find(name: str) -> type[Distortion] | type[Attack]:
    """The distortion or attack called `name`; raises UnknownNameError."""
    if name in attacks.names():
        return attacks.get(name)
    try:
        return distortions.get(name)
    except UnknownNameError as unknown:
        raise UnknownNameError(f"{unknown} (attacks: {', '.join(attacks.names())})") from None


def build(components: Iterable[Component]) -> Sequence:
    """The sequence that a recipe or a condition describes; raises ValueError on a bad level or parameter."""
    sequence = Sequence(tuple(_step(component) for component in components))
    attacked = False
    for step in sequence.steps:
        if attacked and step.margin:
            raise ValueError(
                f"{sequence.name}: {step.name} needs a margin of pixels, so it must come before the attack"
            )
        attacked = attacked or isinstance(step.distortion, Attack)
    return sequence


def level_of(component: Component) -> tuple[Level, float]:
    """The level's description and its value."""
    described = find(component.name).level
    value = described.convert(component.parameters[described.name])
    assert isinstance(value, (int, float))
    return described, value


def _step(component: Component) -> Step:
    kind = find(component.name)
    _, level = level_of(component)
    others = {name: value for name, value in component.parameters.items() if name != kind.level.name}
    made = kind(**complete(kind, others))
    if isinstance(made, Attack):
        made.check_level(level)
    return Step(component.name, made, level)
