// SPDX-License-Identifier: Apache-2.0
//
// The families that icl has.
#include "icl/models/family.h"
#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/mambaformer.h"
#include "icl/models/rwkv4.h"
#include "icl/models/s4.h"

namespace icl {

Kinds<FamilyInterface>& FamilyInterface::table() {
  static Kinds<FamilyInterface> families = [] {
    Kinds<FamilyInterface> table;
    table.add<Gpt2Family>();
    table.add<MambaFamily>();
    table.add<MambaformerFamily>();
    table.add<Rwkv4Family>();
    table.add<S4Family>();
    return table;
  }();
  return families;
}

}  // namespace icl
