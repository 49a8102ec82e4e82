"""Writes tests/golden/evaluation.safetensors: logits, labels, and scikit-learn's figures of them.

For each case NAME: NAME.logits [n][classes] (F32), NAME.labels [n] (F64), NAME.figures (F64): accuracy,
loss, Wilson's low and high, precision, recall, F1 as means over classes and over samples, ECE of 15
bins, temperature, share of the label among the first 3; NAME.classes [classes][3]: precision, recall,
F1; NAME.confusion. The pair of the first two cases: `mcnemar`.
Run: python tools/golden/make_evaluation.py (needs numpy, scipy, scikit-learn and statsmodels).
"""

import pathlib

import numpy as np
import scipy
import sklearn
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

import tensors

ROOT = pathlib.Path(__file__).resolve().parents[2]


def case(n, classes, strength, seed, absent=()):
    """Logits that are right more or less often; `absent` classes are neither labels nor answers."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([c for c in range(classes) if c not in absent], n)
    logits = rng.normal(0, 1, (n, classes))
    logits[np.arange(n), labels] += strength
    logits[:, list(absent)] -= 50
    return logits.astype(np.float32), labels


def ece(probabilities, hits, bins=15):
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (probabilities > low) & (probabilities <= high)
        if inside.any():
            gap = abs(hits[inside].mean() - probabilities[inside].mean())
            total += inside.sum() * gap
    return total / len(hits)


def temperature(logits, labels):
    rows = np.arange(len(labels))

    def slope(beta):
        expected = (softmax(beta * logits, axis=1) * logits).sum(axis=1)
        return (expected - logits[rows, labels]).sum()

    return 1 / brentq(slope, 0.01, 100, xtol=1e-15, rtol=1e-15)


def figures(logits, labels):
    x = logits.astype(np.float64)
    answers = logits.argmax(axis=1)
    hits = answers == labels
    low, high = proportion_confint(hits.sum(), len(hits), 0.05, "wilson")
    values = [hits.mean(), -log_softmax(x, axis=1)[np.arange(len(labels)), labels].mean(), low, high]
    for average in ("macro", "weighted"):
        values += metrics.precision_recall_fscore_support(
            labels, answers, average=average, zero_division=0)[:3]
    values.append(ece(softmax(x, axis=1).max(axis=1), hits.astype(float)))
    values.append(temperature(x, labels))
    values.append(metrics.top_k_accuracy_score(labels, x, k=3, labels=range(x.shape[1])))
    return np.array(values, dtype=np.float64)


def main():
    found = {}
    cases = {"good": case(400, 7, 2.0, 1), "poor": case(400, 7, 0.5, 1), "absent":
             case(60, 12, 1.5, 3, absent=(4, 9))}
    for name, (logits, labels) in cases.items():
        answers = logits.argmax(axis=1)
        every = range(logits.shape[1])
        found[f"{name}.logits"] = logits
        found[f"{name}.labels"] = labels.astype(np.float64)
        found[f"{name}.figures"] = figures(logits, labels)
        found[f"{name}.classes"] = np.stack(metrics.precision_recall_fscore_support(
            labels, answers, labels=every, zero_division=0)[:3], axis=1)
        found[f"{name}.confusion"] = metrics.confusion_matrix(
            labels, answers, labels=every).astype(np.float64)
    hits = [cases[name][0].argmax(axis=1) == cases[name][1] for name in ("good", "poor")]
    table = [[(hits[0] & hits[1]).sum(), (hits[0] & ~hits[1]).sum()],
             [(~hits[0] & hits[1]).sum(), (~hits[0] & ~hits[1]).sum()]]
    found["mcnemar"] = np.array([table[0][1], table[1][0], mcnemar(table, exact=True).pvalue],
                                dtype=np.float64)
    tensors.save(ROOT / "tests/golden/evaluation.safetensors", found,
                 {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__})


if __name__ == "__main__":
    main()
