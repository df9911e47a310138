// Defects of the sensor and of the compression, measured on unscaled pixels.
#pragma once

#include "libs/image/luma.h"

namespace winnow::image {

// Both look at no more than 64 tiles of 64x64 pixels spread evenly over the picture. Thread-safe.

// Standard deviation of the noise in grey levels of 255. The second-difference operator of
// Immerkaer ("Fast noise variance estimation", CVIU 64, 1996) is blind to flat and sloping areas;
// it is averaged per 16x16 block, and the smoothest tenth of blocks that are neither black nor white
// speaks for the picture, so that texture is not taken for noise. 0 under 18 pixels a side.
double NoiseSigma(const Plane& luma);

// 0 none .. 1: the share by which steps across the worst column (row) of an 8-pixel lattice exceed
// those across the other columns (rows), mean of both axes. Whatever the lattice's offset, so a
// cropped or rotated JPEG shows it too. After the block-edge measure of Wang, Sheikh and Bovik
// ("No-reference perceptual quality assessment of JPEG compressed images", ICIP 2002). 0 under
// 24 pixels a side.
double Blockiness(const Plane& luma);

}  // namespace winnow::image
