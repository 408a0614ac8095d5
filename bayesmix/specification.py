"""A specification as it shows itself: the arguments that were given, or HTML with what they mean."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayesmix import display
from bayesmix.families import as_family
from bayesmix.priors import Dirichlet, PriorSet

if TYPE_CHECKING:
    from bayesmix.mixture import Mixture

__all__ = ["Described"]

_DEFAULTS: Mapping[str, Any] = {
    "family": as_family("normal"),
    "weights": Dirichlet(1.0),
    "priors": PriorSet(None),
    "order_by": None,
    "noise": False,
    "zero_inflated": False,
    "classes": (),
}


class Described:
    """Gives a `Mixture` its text and its HTML."""

    def __repr__(self: "Mixture") -> str:  # type: ignore[misc]
        given = {name: getattr(self, name) for name, default in _DEFAULTS.items() if getattr(self, name) != default}
        words = [str(self.n_components), *(f"{name}={value!r}" for name, value in given.items())]
        return f"Mixture({', '.join(words)})"

    def _repr_html_(self: "Mixture") -> str:  # type: ignore[misc]
        several = "s" if self.n_components > 1 else ""
        extras = "".join(f" + {name}" for name in self.extras)
        names = f" ({', '.join(map(str, self.classes))})" if self.classes else ""
        title = f"Mixture of {self.n_components} {self.family.name} component{several}{names}{extras}"
        words = self.priors_in_words()
        if self.priors.name is not None:
            words = {variable.name: f"of the set {self.priors.name!r}" for variable in self.variables} | words
        rows = {} if len(self.component_labels) == 1 else {"w": words["w"]}
        for variable in self.variables:
            rows[variable.name] = words.get(variable.name, "from the scale of the data")
        frame = pd.DataFrame({"prior": rows.values()}, index=pd.Index(list(rows), name="parameter"))
        return display.card(title, [display.table(frame), display.paragraph(_order(self))])


def _order(mixture: "Mixture") -> str:
    """Say what makes a component the first."""
    if mixture.n_components == 1:
        return "One component: nothing is hidden."
    if not mixture.exchangeable:
        return "Components have an identity (priors or labels of their own), so nothing is sorted."
    key = mixture.order_key
    if mixture.relabelled:
        words = "falling weight" if key is None else f"the posterior means of {key[0]}"
        return f"Components are relabelled to agree between draws, and ordered by {words}."
    assert key is not None
    return f"Components are sorted by {key[0]} in every draw."
