// SPDX-License-Identifier: Apache-2.0
//
// Gaussian inputs through a random symmetric map U diag(e) U^T with U uniformly random, scaled so
// that E|x|^2 = D (Garg et al. 2022, section 4; the published sample_transformation with
// `normalize`): skewed inputs have e_i = i^-exponent, half-subspace inputs 1 for half of the
// directions and else 0.
//
//   icl::InputConfig inputs{.distribution = icl::SkewedInputs{.exponent = 1, .rotation = "fixed"}};
#pragma once

#include <string>

#include "icl/tasks/input_distribution.h"

namespace icl {

struct SkewedInputs {
  static constexpr const char* kName = "skewed";
  static constexpr const char* kSummary =
      "Gaussian with standard deviations that fall by direction";
  double exponent = 1;
  std::string rotation = "per_batch";  // or "fixed": one for the whole run

  void describe(Fields& f);
  at::Tensor draw(const InputRequest& request) const;
  bool rotates_once() const { return rotation == "fixed"; }
  bool rotates_by_batch() const { return rotation == "per_batch"; }
};

struct HalfSubspaceInputs {
  static constexpr const char* kName = "half_subspace";
  static constexpr const char* kSummary = "Gaussian in a random subspace of half the dimensions";
  std::string rotation = "per_batch";

  void describe(Fields& f);
  at::Tensor draw(const InputRequest& request) const;
  bool rotates_once() const { return rotation == "fixed"; }
  bool rotates_by_batch() const { return rotation == "per_batch"; }
};

// e of the two distributions, float64 [D].
at::Tensor skewed_scales(int64_t n_dims, double exponent);
at::Tensor half_subspace_scales(int64_t n_dims);
// The map for scales e [D]: float32 [D, D].
at::Tensor random_transformation(const at::Tensor& scales_D, const RandomStream& stream);

}  // namespace icl
