// SPDX-License-Identifier: Apache-2.0
#ifdef ICL_WITH_XGBOOST
#include <xgboost/c_api.h>

#include <limits>

#include "icl/base/error.h"
#include "src/evaluation/baselines/learners.h"
#include "src/evaluation/baselines/prompts.h"

namespace icl {
namespace {

// XGBRegressor() of the version that the build found. The paper pins 2.0.3, which differs from
// versions before 2.0 in two defaults: the first prediction is the mean of y instead of 0.5
// (base_score), and trees grow by histograms instead of all split points (tree_method). With
// base_score=0.5 and tree_method="exact" version 2 is what version 1 is by default.
constexpr int kRounds = 100;  // n_estimators of XGBRegressor

void check(int status) {
  ICL_ASSERT(status == 0, "XGBoost: ", XGBGetLastError());
}

class Matrix {
 public:
  Matrix(const std::vector<float>& values, int64_t rows) {
    check(XGDMatrixCreateFromMat(values.data(), rows, values.size() / rows,
                                 std::numeric_limits<float>::quiet_NaN(), &handle_));
  }
  ~Matrix() { XGDMatrixFree(handle_); }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;
  DMatrixHandle handle() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

class Booster {
 public:
  explicit Booster(const Matrix& train) {
    const DMatrixHandle cached = train.handle();
    check(XGBoosterCreate(&cached, 1, &handle_));
    set("objective", "reg:squarederror");
    set("nthread", "1");  // the prompts are what runs in parallel
    set("verbosity", "0");
    for (int round = 0; round < kRounds; ++round) {
      check(XGBoosterUpdateOneIter(handle_, round, train.handle()));
    }
  }
  ~Booster() { XGBoosterFree(handle_); }
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  float predict(const Matrix& query) const {
    bst_ulong length = 0;
    const float* values = nullptr;
    check(XGBoosterPredict(handle_, query.handle(), 0, 0, 0, &length, &values));
    return values[0];
  }

 private:
  void set(const char* name, const char* value) { check(XGBoosterSetParam(handle_, name, value)); }
  BoosterHandle handle_ = nullptr;
};

}  // namespace

std::string xgboost_version() {
  int major = 0, minor = 0, patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return str(major, ".", minor, ".", patch);
}

at::Tensor predict_xgboost(const BaselineInput& input, const BaselineOptions& options) {
  return for_each_prompt(input, options, [](const PromptView& prompt, double* out) {
    const int64_t n_dims = prompt.n_dims;
    for (int64_t i = 1; i < prompt.n_points; ++i) {
      const Matrix train(std::vector<float>(prompt.x(0), prompt.x(i)), i);
      const std::vector<float> labels(prompt.ys, prompt.ys + i);
      check(XGDMatrixSetFloatInfo(train.handle(), "label", labels.data(), labels.size()));
      const Matrix query(std::vector<float>(prompt.query(i), prompt.query(i) + n_dims), 1);
      out[i] = Booster(train).predict(query);
      prompt.point_done();
    }
  });
}

}  // namespace icl
#endif
