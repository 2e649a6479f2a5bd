// Where in a long feature sequence does a short one occur, and how well does it fit there?
//
//   D[i][j] = min( D[i-1][j-1] + c[i][j],                    one frame of each
//                  D[i-1][j-2] + c[i][j],                    the long one twice as fast
//                  D[i-2][j-1] + c[i-1][j] + c[i][j] )       the long one half as fast
//   D[0][j] = c[0][j]: it may begin anywhere.   c[i][j] = |query i - within j|, Euclidean
//
// The place is where the last row is least, divided by the frames of the query: every frame of the
// query costs once. Unlike with the steps of dtw.h no frame of either can be matched for ever, so
// that a short query cannot hide in one fitting frame. The first of equal places is taken.
//
// Shapes: Q frames of the query, W of what it is looked for in, the same columns.
// Any thread; allocates 5 rows of W and a transposed copy of `within`. Throws Error{usage} for
// different or no columns, a query without frames, and one longer than 2 W - 1 frames.
// Source: M. Mueller, "Fundamentals of Music Processing" (2015), 7.2 (subsequence DTW, step sizes
// (1,1), (1,2), (2,1)); weights as above.
#pragma once
#include "engine/views.h"

namespace ondes {

struct SubsequenceMatch {
  double mean_cost = 0.0;  // a frame of the query
  int first_frame = 0;     // in the long one
  int last_frame = 0;      // inclusive
};

SubsequenceMatch subsequence_dtw(ConstFrames query, ConstFrames within);

}  // namespace ondes
