"""Which products go with which: EASE where the catalogue allows it, item-kNN beyond.

EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"): with the Gram matrix G = XᵀX + λI
and P = G⁻¹, the weights B = I − P / diag(P) have no diagonal and minimise ‖X − XB‖² + λ‖B‖².
"""

from dataclasses import dataclass

import numpy as np

from core.models.recommend.purchases import Floats, Histories, Ints

EASE_PRODUCTS = 20_000
_DENSE_PRODUCTS = 3_000


@dataclass(frozen=True)
class Neighbours:
    """Weights of pairs of products as sparse rows: product j speaks for ``target[starts[j]:starts[j + 1]]``.

    Targets of a row are ascending.
    """

    starts: Ints
    target: Ints
    value: Floats

    @property
    def products(self) -> int:
        """Number of products."""
        return len(self.starts) - 1

    def scores(self, signal: Floats) -> Floats:
        """The matrix ``signal`` (customers × products) times the weights."""
        if self.products <= _DENSE_PRODUCTS:
            return np.asarray(signal @ self.dense())
        from scipy.sparse import csr_array

        weights = csr_array((self.value, self.target, self.starts), shape=(self.products, self.products))
        return np.asarray((csr_array(signal) @ weights).toarray())

    def dense(self) -> Floats:
        """The weights as a matrix, products that speak in rows."""
        table = np.zeros((self.products, self.products))
        table[np.repeat(np.arange(self.products), np.diff(self.starts)), self.target] = self.value
        return table

    def between(self, source: Ints, target: Ints) -> Floats:
        """The weight of each pair, 0 where it was not kept."""
        if self.products <= _DENSE_PRODUCTS:
            return self.dense()[source, target]
        keys = np.repeat(np.arange(self.products), np.diff(self.starts)) * self.products + self.target
        if not len(keys):
            return np.zeros(len(source))
        wanted = source * self.products + target
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, self.value[place], 0.0)


def signal(count: Floats) -> Floats:
    """How strongly a product was bought: log(1 + count), so that the hundredth purchase adds little."""
    return np.log1p(count)


def ease(history: Histories, products: int, penalty: float, keep: int | None = 100) -> Neighbours:
    """The EASE weights; for each target the ``keep`` largest of each column (``None``: all).

    Memory grows with products², time with products³.
    """
    from scipy.linalg import cho_factor, cho_solve

    matrix = history.sparse(signal(history.count), products)
    gram = np.asarray((matrix.T @ matrix).toarray(), dtype=np.float32 if products > 4_000 else np.float64)
    gram[np.diag_indices(products)] += penalty
    inverse = cho_solve(cho_factor(gram, overwrite_a=True), np.eye(products, dtype=gram.dtype))
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices(products)] = 0.0
    return strongest(weights, keep)


def item_knn(history: Histories, products: int, shrink: float = 20.0, keep: int = 50) -> Neighbours:
    """Cosine similarity of products, shrunk where few bought both, for catalogues too large for EASE."""
    from scipy.sparse import csc_array

    matrix = csc_array(history.sparse(np.ones(len(history.product)), products))
    buyers = np.diff(matrix.indptr).astype(np.float64)
    rows, columns, values = [], [], []
    step = 500
    for first in range(0, products, step):
        last = min(first + step, products)
        common = (matrix.T @ matrix[:, first:last]).tocoo()
        target = common.col + first
        other = common.row != target
        source, target, both = common.row[other], target[other], common.data[other]
        cosine = both / np.sqrt(buyers[source] * buyers[target]) * both / (both + shrink)
        order = np.lexsort((-cosine, target))
        source, target, cosine = source[order], target[order], cosine[order]
        begins = np.searchsorted(target, np.arange(first, last + 1))
        rank = np.arange(len(target)) - begins[target - first]
        rows.append(source[rank < keep])
        columns.append(target[rank < keep])
        values.append(cosine[rank < keep])
    return _sorted(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), products)


def strongest(weights: Floats, keep: int | None) -> Neighbours:
    """A dense matrix of weights with only the ``keep`` largest in absolute value of each column."""
    products = len(weights)
    if keep is None or keep >= products:
        source, target = np.nonzero(weights)
        return _sorted(source, target, weights[source, target], products)
    kept = np.argpartition(-np.abs(weights), keep, axis=0)[:keep]
    target = np.broadcast_to(np.arange(products), kept.shape).ravel()
    source = kept.ravel()
    values = weights[source, target]
    return _sorted(source[values != 0], target[values != 0], values[values != 0], products)


def _sorted(source: Ints, target: Ints, value: Floats, products: int) -> Neighbours:
    order = np.lexsort((target, source))
    starts = np.searchsorted(source[order], np.arange(products + 1))
    return Neighbours(
        starts.astype(np.int64), target[order].astype(np.int64), value[order].astype(np.float64)
    )
