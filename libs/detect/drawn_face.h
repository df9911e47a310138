// Draws a face that face detectors take for one, so that tests need no photograph. Tests only.
//
// CenterFace scores it 0.5 to 0.8 from 15 to 250 pixels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "libs/image/frame.h"

namespace winnow::detect {

namespace drawing {

// Blends an ellipse over the picture; its edge fades over the outer `softness` share of the radius.
inline void Shade(image::Pixels& picture, double cx, double cy, double rx, double ry,
                  const std::uint8_t (&bgr)[3], double softness) {
  for (auto y = 0U; y < picture.height; ++y) {
    for (auto x = 0U; x < picture.width; ++x) {
      const double r = std::hypot((x - cx) / rx, (y - cy) / ry);
      const double cover = std::clamp((1 - r) / softness, 0.0, 1.0);
      std::uint8_t* pixel = &picture.bgr[3 * (std::size_t{y} * picture.width + x)];
      for (int c = 0; c < 3; ++c) {
        pixel[c] = static_cast<std::uint8_t>(std::lround(pixel[c] + cover * (bgr[c] - pixel[c])));
      }
    }
  }
}

}  // namespace drawing

// Head and shoulders on what is there already. The face, without hair, is about 0.75 `size` wide
// and `size` high, its centre at (cx, cy) in pixels.
inline void DrawFace(image::Pixels& picture, double cx, double cy, double size) {
  const double s = size / 100;
  const auto ellipse = [&](double dx, double dy, double rx, double ry, const std::uint8_t (&c)[3],
                           double soft) {
    drawing::Shade(picture, cx + dx * s, cy + dy * s, rx * s, ry * s, c, soft);
  };
  ellipse(0, 75, 60, 40, {90, 60, 40}, 0.1);    // shoulders
  ellipse(0, 48, 17, 25, {120, 150, 200}, 0.2); // neck
  ellipse(0, -12, 44, 56, {25, 35, 50}, 0.15);  // hair
  ellipse(0, 2, 36, 48, {145, 178, 228}, 0.15); // face
  ellipse(-22, 14, 10, 8, {130, 150, 225}, 0.8);
  ellipse(22, 14, 10, 8, {130, 150, 225}, 0.8);
  for (const double side : {-1.0, 1.0}) {
    ellipse(side * 15, -9, 11, 8, {105, 135, 185}, 0.8);  // eye socket
    ellipse(side * 15, -18, 10, 2.5, {35, 45, 65}, 0.4);  // brow
    ellipse(side * 15, -8, 7, 3.8, {235, 238, 240}, 0.3);
    ellipse(side * 15, -8, 3.4, 3.6, {40, 50, 70}, 0.3);
  }
  ellipse(0, 4, 4, 14, {165, 195, 240}, 0.9);   // bridge
  ellipse(0, 14, 7.5, 4, {110, 140, 195}, 0.7); // nose
  ellipse(-3.5, 15.5, 2, 1.3, {50, 65, 100}, 0.6);
  ellipse(3.5, 15.5, 2, 1.3, {50, 65, 100}, 0.6);
  ellipse(0, 29, 13, 4.6, {95, 95, 190}, 0.4);  // lips
  ellipse(0, 29, 12, 1.1, {50, 50, 110}, 0.5);
}

}  // namespace winnow::detect
