// Quality measures of a decoded picture.
#pragma once

#include "libs/image/frame.h"
#include "libs/image/luma.h"
#include "libs/record/image_record.h"

namespace winnow::image {

// Fills every field of Measurements from the pixels. Deterministic; thread-safe.
//
//   sharpness          sharpness.h
//   brightness_*       of sqrt(0.241 R^2 + 0.691 G^2 + 0.068 B^2) / 255, as cleanvision
//   contrast, entropy  standard deviation and Shannon entropy of the 256-level luma histogram
//   noise, blockiness  artefacts.h
//   lighting           from brightness_mean, see LightingOf
//
// Brightness and histogram come from at most about 20,000 pixels on an even lattice.
record::Measurements Measure(const Frame& frame);

// The same with MakeLuma(frame.pixels) at hand.
record::Measurements Measure(const Frame& frame, const Plane& luma);

// The tone of the picture as a whole, for balancing: dark below 0.22 mean brightness, dim below
// 0.36, bright from 0.72. It says nothing about the hour or the weather.
record::Lighting LightingOf(double brightness_mean);

}  // namespace winnow::image
