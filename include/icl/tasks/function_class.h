// SPDX-License-Identifier: Apache-2.0
//
// The classes of functions that prompts are drawn from, an open table. A class is a settings
// struct: its name, its config keys, its traits, and how its functions are drawn and evaluated.
// icl's own are in the headers beside this one; a program adds one of its own before it reads a
// config:
//
//   struct Doubling {                                    // y = 2 x_0
//     static constexpr const char* kName = "doubling";
//     static constexpr const char* kSummary = "twice the first coordinate";
//     icl::FunctionParameters draw(const icl::FunctionRequest&, const icl::RandomStream&) const {
//     return {}; } at::Tensor evaluate(const icl::FunctionParameters&, const at::Tensor& xs_BKD)
//     const {
//       return 2 * xs_BKD.select(2, 0);
//     }
//   };
//   icl::tasks().add<Doubling>();
//
// Optional members: `void describe(icl::Fields&)` for keys, `void check(int64_t n_dims,
// icl::Problems&) const`, `icl::FunctionTraits traits(int64_t n_dims) const`, static `at::Tensor
// loss(predictions_BK, ys_BK)` and `error(predictions_BK, ys_BK)` (default: the squared error), and
// the related classes `icl::Function noisy() const` and `icl::Function transfer() const`.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "icl/base/random.h"
#include "icl/config/fields.h"
#include "icl/config/kinds.h"
#include "icl/config/problems.h"

namespace icl {

// What errors are divided by in curves, so that always predicting zero scores about 1 (where the
// error is a share of wrong signs, about 1/2).
struct Normaliser {
  std::string name = "1";  // "d", "k" or "1"
  double value = 1;
};

// Parameters of functions of a class, each tensor with the functions in front.
using FunctionParameters = std::vector<at::Tensor>;

struct FunctionRequest {
  int64_t count = 1;       // functions
  int64_t n_dims = 20;     // dimensions D of an input
  int64_t used_dims = 20;  // the first of them that are in use; the others of an input are zero
};

// What the other rooms must know of a class to treat it rightly.
struct FunctionTraits {
  std::string metric = "squared error";  // what the mean of the errors is called
  Normaliser normaliser;
  // y = w.x + noise with the weights as first parameter [B, D]: solvers of linear regression apply.
  bool linear = false;
  double weight_variance = 1;   // of linear classes: of each weight that is not zero
  double noise_std = 0;         // standard deviation of the Gaussian noise on y
  bool renormalize_ys = false;  // scale the ys of a batch to the standard deviation sqrt(D)
  bool scales = true;           // whether a multiple of y is a sensible y, too
  // The learners that the paper compares a model of this class with, by their names in icl-eval.
  std::vector<std::string> baselines = {"zero", "least_squares", "nearest_3", "averaging"};
  // The settings that the paper's code evaluates beyond "standard", by their names in icl-eval.
  std::vector<std::string> paper_settings;
};

class FunctionInterface;
using Function = Kind<FunctionInterface>;

class FunctionInterface {
 public:
  static constexpr const char* kWhat = "task function";
  static Kinds<FunctionInterface>& table();
  template <class Settings>
  class Of;

  virtual ~FunctionInterface() = default;
  virtual void describe(Fields& f) = 0;
  virtual void check(int64_t n_dims, Problems& problems) const = 0;
  virtual FunctionTraits traits(int64_t n_dims) const = 0;
  virtual FunctionParameters draw(const FunctionRequest& request,
                                  const RandomStream& stream) const = 0;
  // Noiseless values [B, K] at xs [B, K, D].
  virtual at::Tensor evaluate(const FunctionParameters& parameters,
                              const at::Tensor& xs_BKD) const = 0;
  // Training loss, a scalar: the mean over prompts and points.
  virtual at::Tensor loss(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) const = 0;
  // Error of each prediction [B, K].
  virtual at::Tensor error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) const = 0;
  // The same class with noise of variance 1, renormalised, for a model that never saw noise.
  virtual std::optional<Function> noisy() const = 0;
  // A simpler class that a model of this one is tested on, too.
  virtual std::optional<Function> transfer() const = 0;
  virtual std::unique_ptr<FunctionInterface> clone() const = 0;
};

// The table of all classes. Reading src/tasks/function_class.cpp is reading icl's own.
inline Kinds<FunctionInterface>& tasks() {
  return FunctionInterface::table();
}

// (prediction - y)^2 of each [B, K], and their mean.
at::Tensor squared_error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK);
at::Tensor mean_squared_error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK);

// Those of a class that says nothing of itself.
FunctionTraits default_traits();

template <class Settings>
class FunctionInterface::Of final : public FunctionInterface {
 public:
  explicit Of(Settings own) : settings(std::move(own)) {}

  void describe(Fields& f) override {
    if constexpr (requires { settings.describe(f); }) settings.describe(f);
  }
  void check(int64_t n_dims, Problems& problems) const override {
    if constexpr (requires { settings.check(n_dims, problems); }) settings.check(n_dims, problems);
  }
  FunctionTraits traits(int64_t n_dims) const override {
    if constexpr (requires { settings.traits(n_dims); }) {
      return settings.traits(n_dims);
    } else {
      return default_traits();
    }
  }
  FunctionParameters draw(const FunctionRequest& request,
                          const RandomStream& stream) const override {
    return settings.draw(request, stream);
  }
  at::Tensor evaluate(const FunctionParameters& parameters,
                      const at::Tensor& xs_BKD) const override {
    return settings.evaluate(parameters, xs_BKD);
  }
  at::Tensor loss(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) const override {
    if constexpr (requires { Settings::loss(predictions_BK, ys_BK); }) {
      return Settings::loss(predictions_BK, ys_BK);
    } else {
      return mean_squared_error(predictions_BK, ys_BK);
    }
  }
  at::Tensor error(const at::Tensor& predictions_BK, const at::Tensor& ys_BK) const override {
    if constexpr (requires { Settings::error(predictions_BK, ys_BK); }) {
      return Settings::error(predictions_BK, ys_BK);
    } else {
      return squared_error(predictions_BK, ys_BK);
    }
  }
  std::optional<Function> noisy() const override {
    if constexpr (requires { settings.noisy(); }) return settings.noisy();
    return std::nullopt;
  }
  std::optional<Function> transfer() const override {
    if constexpr (requires { settings.transfer(); }) return settings.transfer();
    return std::nullopt;
  }
  std::unique_ptr<FunctionInterface> clone() const override {
    return std::make_unique<Of>(settings);
  }

  Settings settings;
};

}  // namespace icl
