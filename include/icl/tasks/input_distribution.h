// SPDX-License-Identifier: Apache-2.0
//
// The distributions of inputs x, an open table. A distribution is a settings struct: its name, its
// config keys, and how the points of a batch of prompts are drawn. icl's own are in
// gaussian_inputs.h, rotated_inputs.h and quadrant_inputs.h beside this file; a program adds one of
// its own before it reads a config:
//
//   struct Signs {                                        // every coordinate -1 or 1
//     static constexpr const char* kName = "signs";
//     static constexpr const char* kSummary = "uniform on the corners of the cube";
//     at::Tensor draw(const icl::InputRequest& request) const {
//       return request.stream.child("signs").integers(request.shape(), 2).to(at::kFloat) * 2 - 1;
//     }
//   };
//   icl::inputs().add<Signs>();
//
// Optional members: `void describe(icl::Fields&)` for keys, and the traits of InputInterface below.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "icl/base/random.h"
#include "icl/config/fields.h"
#include "icl/config/kinds.h"

namespace icl {

struct InputRequest {
  int64_t batch_size = 64;
  int64_t n_points = 41;
  int64_t n_dims = 20;
  RandomStream stream;    // of the batch
  RandomStream rotation;  // from which a rotated distribution draws its rotation

  std::array<int64_t, 3> shape() const { return {batch_size, n_points, n_dims}; }
};

class InputInterface;
using Inputs = Kind<InputInterface>;

class InputInterface {
 public:
  static constexpr const char* kWhat = "input distribution";
  static Kinds<InputInterface>& table();
  template <class Settings>
  class Of;

  virtual ~InputInterface() = default;
  virtual void describe(Fields& f) = 0;
  // float32 [B, K, D], before the factor and the shift that every distribution can have.
  virtual at::Tensor draw(const InputRequest& request) const = 0;
  // The points after factor and shift, moved to where the distribution wants them (default: as they
  // are).
  virtual at::Tensor arrange(const at::Tensor& xs_BKD, const RandomStream& stream) const = 0;
  // Whether x ~ N(0, I): the "standard" setting then shows nothing else than training did.
  virtual bool isotropic() const = 0;
  // Whether the rotation is drawn once for the whole run, and whether anew for each batch: the
  // prompts of such a batch have more in common than prompts of different batches.
  virtual bool rotates_once() const = 0;
  virtual bool rotates_by_batch() const = 0;
  // Where the last point of a prompt is drawn otherwise than the points before: from what.
  virtual std::optional<Inputs> last_point() const = 0;
  virtual std::unique_ptr<InputInterface> clone() const = 0;
};

// The table of all distributions. Reading src/tasks/input_distribution.cpp is reading icl's own.
inline Kinds<InputInterface>& inputs() {
  return InputInterface::table();
}

template <class Settings>
class InputInterface::Of final : public InputInterface {
 public:
  explicit Of(Settings own) : settings(std::move(own)) {}

  void describe(Fields& f) override {
    if constexpr (requires { settings.describe(f); }) settings.describe(f);
  }
  at::Tensor draw(const InputRequest& request) const override { return settings.draw(request); }
  at::Tensor arrange(const at::Tensor& xs_BKD, const RandomStream& stream) const override {
    if constexpr (requires { settings.arrange(xs_BKD, stream); }) {
      return settings.arrange(xs_BKD, stream);
    } else {
      return xs_BKD;
    }
  }
  bool isotropic() const override {
    if constexpr (requires { Settings::kIsotropic; }) return Settings::kIsotropic;
    return false;
  }
  bool rotates_once() const override {
    if constexpr (requires { settings.rotates_once(); }) return settings.rotates_once();
    return false;
  }
  bool rotates_by_batch() const override {
    if constexpr (requires { settings.rotates_by_batch(); }) return settings.rotates_by_batch();
    return false;
  }
  std::optional<Inputs> last_point() const override {
    if constexpr (requires { settings.last_point(); }) return settings.last_point();
    return std::nullopt;
  }
  std::unique_ptr<InputInterface> clone() const override { return std::make_unique<Of>(settings); }

  Settings settings;
};

}  // namespace icl
