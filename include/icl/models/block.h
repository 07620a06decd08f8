// SPDX-License-Identifier: Apache-2.0
//
// A block: mixers, each with its norm, on the residual stream.
//
//   Block block(Block::Placement::kPre);             // a block of GPT-2
//   block.add("ln_1", std::make_shared<Norm>(Norm::Kind::kLayer, 64),
//             "attn", std::make_shared<Attention>(AttentionOptions{.d_model = 64, .n_head = 2}));
//   block.add("ln_2", ..., "mlp", ...);
//   block.forward(stream);
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "icl/models/layers.h"
#include "icl/models/mixer.h"

namespace icl {

class Block : public torch::nn::Module {
 public:
  // kPre: r += mixer(norm(r)), one part after the other.  kPost: r = norm(r + mixer(r)).
  // kParallel: r += the sum of mixer(norm(r)) over all parts, each seeing the block's input.
  enum class Placement { kPre, kPost, kParallel };
  explicit Block(Placement placement = Placement::kPre) : placement_(placement) {}

  // Appends a mixer and its norm under these names.
  Block& add(std::string norm_name, std::shared_ptr<Norm> norm, std::string mixer_name,
             std::shared_ptr<Mixer> mixer);
  // A mixer that shares the norm of the part before it; only with kParallel.
  Block& add(std::string mixer_name, std::shared_ptr<Mixer> mixer);
  void reset_parameters(Depth depth);
  // Rescaling of the residual stream, which keeps its size within what 16-bit types hold: every
  // mixer's output is multiplied by `update`, the stream behind the block by `residual`. kPre only.
  void set_scales(double update, double residual);

  // Passes the stream through all mixers. `slots` as for Mixer, those of the mixers in turn.
  void forward(Stream& stream, Slots slots = {});
  std::vector<at::Tensor> initial_state(int64_t batch) const;
  // Passes a context and the queries that branch off it (see Mixer::branch).
  void branch(Stream& context, Stream& queries, const std::vector<int64_t>& lengths);

 private:
  struct Part {
    std::shared_ptr<Norm> norm;  // null: that of the part before
    std::shared_ptr<Mixer> mixer;
    size_t n_slots;
  };
  void rescale(Stream& stream) const;

  Placement placement_;
  std::vector<Part> parts_;
  double update_scale_ = 1, residual_scale_ = 1;
};

}  // namespace icl
