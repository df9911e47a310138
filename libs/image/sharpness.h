// How sharp the sharpest structures of a picture are.
#pragma once

#include "libs/image/luma.h"

namespace winnow::image {

// 0 blurred .. 1 sharp, whatever the contrast; 0 for a picture without structure or smaller than
// 24 pixels on a side. Thread-safe.
//
// The picture is reduced to at most 512 pixels on its longer side (the size at which a person
// glances at it). In the 30 % of its 16x16 blocks with most structure, and for each of four
// directions, the energy of differences over 2 pixels is divided by that over 8 pixels. A linear
// slope, which is all that blur leaves within 8 pixels, gives 1/16; a step edge far more. The
// median block (weighted by its energy) of the worst direction counts, so that motion along one
// direction shows. Noise energy is taken off first.
//
// After the re-blur idea of Crete et al., "The blur effect" (SPIE 6492, 2007): compare a picture
// with itself at another scale, never with an absolute gradient. Figures against the variance of
// the Laplacian and against cleanvision: services/validator/README.md.
double Sharpness(const Plane& luma);

}  // namespace winnow::image
