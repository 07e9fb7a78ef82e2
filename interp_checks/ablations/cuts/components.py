"""Principal components of the features: along which images differ most."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from interp_checks.ablations.cut import Counterpart, Cut, Null, Reads
from interp_checks.arrays import largest_entry

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions


class PrincipalComponents(Cut):
    """The principal components of the features, in falling order of variance over the images.

    They are directions of the features' whole space, Z of them; the weight plays no part in
    which they are, only in what they say of the classes.
    """

    noun: ClassVar[str] = "principal component"
    plural: ClassVar[str] = "principal components"
    ordered: ClassVar[bool] = True
    must_be_told_apart: ClassVar[bool] = True
    order_words: ClassVar[tuple[str, str]] = ("deviations", "the features")
    counterpart: ClassVar[Counterpart] = "none"
    null: ClassVar[Null] = "rotations"

    def of_reader(self, reader: Reads) -> Directions:
        """One part for each component; its order and gaps are those of the deviations.

        Signs are canonical as those of singular directions are: the largest entry on the side of
        the classes is positive.
        """
        import numpy as np

        from interp_checks.ablations.directions import Directions

        largest = largest_entry(reader.features)
        features = reader.features.astype(np.float64) / largest
        centred = features - features.mean(axis=0)
        variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
        order = np.argsort(-variances, kind="stable")
        axes, deviations = axes[:, order], np.sqrt(np.maximum(variances[order], 0)) * largest
        vectors = reader.weight @ axes
        strongest = np.abs(vectors).argmax(axis=0)
        signs = np.sign(vectors[strongest, np.arange(len(order))])
        signs[signs == 0] = 1.0
        lengths = np.linalg.norm(vectors, axis=0)
        lengths[lengths == 0] = 1.0
        return Directions(axes * signs, lengths, vectors * signs / lengths, ordered_by=deviations)
