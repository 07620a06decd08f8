// SPDX-License-Identifier: Apache-2.0
//
// A backbone that icl does not have, a gated linear recurrence: with a = sigmoid(W_a x + 2) and
// v = W_v x, h_t = a_t h_(t-1) + (1 - a_t) v_t and y = W_o (h * silu(W_g x)).
#include <ATen/ATen.h>
#include <icl/models/family.h>

#include "additions.h"

namespace {

class GatedRecurrence : public icl::Mixer {
 public:
  explicit GatedRecurrence(int64_t width)
      : in_(register_module("in", std::make_shared<icl::Linear>(width, 3 * width))),
        out_(register_module("out", std::make_shared<icl::Linear>(width, width))) {}

  void reset_parameters(icl::Depth) override {
    in_->reset_parameters();
    out_->reset_parameters();
  }

  at::Tensor forward(const at::Tensor& x_BTM, icl::Slots slots) override {
    const auto parts = in_->forward(x_BTM).chunk(3, -1);
    const at::Tensor a = at::sigmoid(parts[0] + 2);
    const at::Tensor input = (1 - a) * parts[1];
    at::Tensor h = slots.empty() ? at::zeros_like(input.select(1, 0)) : slots[0];
    std::vector<at::Tensor> hs;
    for (int64_t t = 0; t < x_BTM.size(1); ++t) {
      h = a.select(1, t) * h + input.select(1, t);
      hs.push_back(h);
    }
    if (!slots.empty()) slots[0] = h;
    return out_->forward(at::stack(hs, 1) * at::silu(parts[2]));
  }

  std::vector<at::Tensor> initial_state(int64_t batch) const override {
    return {at::zeros({batch, out_->weight.size(0)}, out_->weight.options())};
  }

 private:
  std::shared_ptr<icl::Linear> in_, out_;
};

struct GatedRecurrenceFamily {
  static constexpr const char* kName = "gated_recurrence";
  static constexpr const char* kSummary = "a gated linear recurrence";

  std::shared_ptr<icl::Backbone> make(const icl::ModelSize& size) const {
    const auto norm = [&] {
      return std::make_shared<icl::Norm>(icl::Norm::Kind::kRms, size.d_model);
    };
    return icl::make_stack(size, {.norm = norm()}, [&](int64_t) {
      auto block = std::make_shared<icl::Block>();
      block->add("norm", norm(), "mixer", std::make_shared<GatedRecurrence>(size.d_model));
      return block;
    });
  }
};

}  // namespace

void add_gated_recurrence() {
  icl::families().add<GatedRecurrenceFamily>();
}
