// Frechet distance of two sets of embeddings taken as Gaussians (D. Dowson, B. Landau, J. Multivar.
// Anal. 12, 1982; as "FID" M. Heusel et al., 2017, as "FAD" K. Kilgour et al., 2019).
//
//   |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2)
//
// m mean, S covariance (divided by n - 1) over the rows. The square roots come from symmetric
// eigenvalues (Jacobi rotations, double), where what rounding made negative counts as 0: so it
// works for singular covariances too, and the result is at least 0.
// Smaller is better; the unit is that of the embedding, squared. Symmetric up to rounding.
// The estimate is biased upwards by small sets: compare sets of equal size only.
//
// Shapes: A and B rows, D columns, D <= 512.
// Throws Error{usage} if columns differ, are none or above 512, Error{bad_input} for NaN and
// infinity. Fewer than two rows on a side: no value, with a reason. Any thread; allocates 6 D^2
// doubles.
#pragma once
#include "dsp/metrics/measured.h"
#include "engine/views.h"

namespace ondes {

Measured frechet_distance(ConstFrames a, ConstFrames b);

}  // namespace ondes
