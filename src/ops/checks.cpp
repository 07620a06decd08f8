// SPDX-License-Identifier: Apache-2.0
#include "src/ops/checks.h"

#include "icl/base/error.h"
#include "icl/base/shape.h"

namespace icl {
namespace {

// Checks the arguments of one call against the type and device of its first activation.
class Checker {
 public:
  Checker(const char* where, const char* name, const at::Tensor& first)
      : where_(where), first_name_(name), first_(first) {
    if (!first.defined()) throw UsageError(str(where, ": ", name, " is undefined"));
    const at::ScalarType type = first.scalar_type();
    if (type != at::kFloat && type != at::kDouble && type != at::kHalf && type != at::kBFloat16) {
      throw UsageError(str(where, ": ", name, " is ", describe_tensor(first),
                           ", expected float32, float64, float16 or bfloat16"));
    }
  }

  void dims(int64_t expected) const {
    if (first_.dim() != expected) {
      throw UsageError(str(where_, ": ", first_name_, " is ", describe_tensor(first_),
                           ", expected ", expected, " dimensions"));
    }
  }
  void activation(const char* name, const at::Tensor& tensor, at::IntArrayRef shape) const {
    check(name, tensor, shape, first_.scalar_type());
  }
  void activation(const char* name, const std::optional<at::Tensor>& tensor,
                  at::IntArrayRef shape) const {
    if (has(tensor)) activation(name, *tensor, shape);
  }
  void parameter(const char* name, const at::Tensor& tensor, at::IntArrayRef shape) const {
    check(name, tensor, shape, state_type(first_.scalar_type()));
  }
  void parameter(const char* name, const std::optional<at::Tensor>& tensor,
                 at::IntArrayRef shape) const {
    if (has(tensor)) parameter(name, *tensor, shape);
  }

 private:
  void check(const char* name, const at::Tensor& tensor, at::IntArrayRef shape,
             at::ScalarType type) const {
    check_shape(where_, name, tensor, shape);
    check_type(where_, name, tensor, type);
    check_device(where_, name, tensor, first_.device());
  }

  const char* where_;
  const char* first_name_;
  const at::Tensor& first_;
};

int64_t size_or(const at::Tensor& tensor, int64_t dim, int64_t otherwise) {
  return tensor.defined() && tensor.dim() > dim ? tensor.size(dim) : otherwise;
}

}  // namespace

at::ScalarType state_type(at::ScalarType activation) {
  return activation == at::kHalf || activation == at::kBFloat16 ? at::kFloat : activation;
}

void check_selective_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                          const at::Tensor& B, const at::Tensor& C,
                          const std::optional<at::Tensor>& D, const std::optional<at::Tensor>& z,
                          const std::optional<at::Tensor>& delta_bias,
                          const std::optional<at::Tensor>& initial_state) {
  const Checker check("selective_scan", "u", u);
  check.dims(3);
  const int64_t batch = u.size(0), length = u.size(1), width = u.size(2);
  check.activation("delta", delta, {batch, length, width});
  check.parameter("A", A, {width, -1});
  const int64_t n_state = A.size(1);
  if (n_state < 1 || n_state > 256) {
    throw UsageError(str("selective_scan: A is ", describe_tensor(A),
                         ", expected 1 to 256 states in its last dimension"));
  }
  check.activation("B", B, {batch, length, n_state});
  check.activation("C", C, {batch, length, n_state});
  check.parameter("D", D, {width});
  check.activation("z", z, {batch, length, width});
  check.parameter("delta_bias", delta_bias, {width});
  check.parameter("initial_state", initial_state, {batch, width, n_state});
}

void check_is_query(const at::Tensor& is_query, const at::Tensor& u) {
  check_shape("selective_scan_queries", "is_query", is_query, {u.size(1)});
  check_type("selective_scan_queries", "is_query", is_query, at::kBool);
  check_device("selective_scan_queries", "is_query", is_query, at::kCPU);
}

void check_causal_conv1d(const at::Tensor& x, const at::Tensor& weight,
                         const std::optional<at::Tensor>& bias,
                         const std::optional<at::Tensor>& initial_state) {
  const Checker check("causal_conv1d", "x", x);
  check.dims(3);
  check.parameter("weight", weight, {x.size(2), -1});
  const int64_t width = weight.size(1);
  if (width < 1 || width > 64) {
    throw UsageError(str("causal_conv1d: weight is ", describe_tensor(weight),
                         ", expected 1 to 64 taps in its last dimension"));
  }
  check.parameter("bias", bias, {x.size(2)});
  check.activation("initial_state", initial_state, {x.size(0), width - 1, x.size(2)});
}

void check_add_rms_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                        const at::Tensor& weight, double eps) {
  const Checker check("add_rms_norm", "x", x);
  if (x.dim() < 1 || x.size(-1) < 1) {
    throw UsageError(
        str("add_rms_norm: x is ", describe_tensor(x), ", expected shape [..., M] with M >= 1"));
  }
  check.parameter("residual", residual, x.sizes());
  check.parameter("weight", weight, {x.size(-1)});
  if (!(eps >= 0)) throw UsageError(str("add_rms_norm: eps is ", eps, ", expected at least 0"));
}

void check_wkv(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
               const at::Tensor& v, const std::optional<at::Tensor>& state) {
  const Checker check("wkv", "k", k);
  check.dims(3);
  check.parameter("decay", decay, {k.size(2)});
  check.parameter("bonus", bonus, {k.size(2)});
  check.activation("v", v, k.sizes());
  check.parameter("state", state, {k.size(0), 3, k.size(2)});
}

void check_s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  const Checker check("s4d_kernel", "log_dt", log_dt);
  check.dims(1);
  if (log_dt.scalar_type() != at::kFloat && log_dt.scalar_type() != at::kDouble) {
    throw UsageError(
        str("s4d_kernel: log_dt is ", describe_tensor(log_dt), ", expected float32 or float64"));
  }
  const int64_t modes = size_or(log_A_real, 1, -1);
  check.parameter("log_A_real", log_A_real, {log_dt.size(0), modes});
  check.parameter("A_imag", A_imag, {log_dt.size(0), modes});
  check.parameter("C", C, {log_dt.size(0), modes, 2});
  if (L < 0) throw UsageError(str("s4d_kernel: L is ", L, ", expected at least 0"));
}

void check_long_conv(const at::Tensor& u, const at::Tensor& k, const std::optional<at::Tensor>& D) {
  const Checker check("long_conv", "u", u);
  check.dims(3);
  check.parameter("k", k, {u.size(2), u.size(1)});
  check.parameter("D", D, {u.size(2)});
}

void check_cpu_type(const char* where, const char* name, const at::Tensor& activation) {
  if (activation.scalar_type() != at::kFloat && activation.scalar_type() != at::kDouble) {
    throw UsageError(str(where, ": ", name, " is ", describe_tensor(activation),
                         ", expected float32 or float64 on the CPU"));
  }
}

}  // namespace icl
