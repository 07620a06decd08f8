// SPDX-License-Identifier: Apache-2.0
#include "src/ops/registration.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/functorch/DynamicLayer.h>
#include <torch/csrc/autograd/custom_function.h>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "icl/base/error.h"
#include "src/ops/checks.h"

namespace icl::ops {
namespace {

using c10::FunctionSchema;
using c10::IValue;
using c10::OperatorHandle;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using torch::jit::Stack;

std::optional<OperatorHandle> find(const std::string& name) {
  return c10::Dispatcher::singleton().findSchema({name, ""});
}

int index_of(const std::vector<c10::Argument>& list, const std::string& name) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].name() == name) return static_cast<int>(i);
  }
  return -1;
}

// How x_forward and x_backward belong to x, by the names in their schemas.
struct Plan {
  enum class Source { kGradient, kArgument, kResult, kSaved };
  struct Input {
    Source source;
    size_t index;
    bool optional;
  };
  std::string name;  // "icl::x"
  OperatorHandle forward, backward, reference;
  bool saves = false;                            // forward is x_forward
  std::vector<Input> inputs;                     // of x_backward
  std::vector<std::vector<size_t>> gradient_of;  // the arguments, for each result of x_backward
  size_t results = 0;                            // of x
};

Plan::Input input_of(const FunctionSchema& schema, const c10::Argument& argument) {
  const std::string& name = argument.name();
  const bool optional = argument.type()->kind() == c10::TypeKind::OptionalType;
  const auto found = [&](Plan::Source source, int index) {
    return Plan::Input{source, static_cast<size_t>(index), optional};
  };
  if (name == "saved") return found(Plan::Source::kSaved, 0);
  const int own = index_of(schema.arguments(), name);
  if (own >= 0) return found(Plan::Source::kArgument, own);
  const int gradient = index_of(schema.returns(), name.substr(1));
  if (name[0] == 'd' && gradient >= 0) return found(Plan::Source::kGradient, gradient);
  const int result = name.starts_with("out_") ? index_of(schema.returns(), name.substr(4)) : -1;
  TORCH_INTERNAL_ASSERT(result >= 0, schema.name(), "_backward: argument ", name);
  return found(Plan::Source::kResult, result);
}

std::vector<size_t> arguments_of_gradient(const FunctionSchema& schema, std::string name) {
  std::vector<size_t> indices;
  while (!name.empty()) {
    const size_t end = name.find("_and_");
    const int index = index_of(schema.arguments(), name.substr(1, end - 1));
    TORCH_INTERNAL_ASSERT(index >= 0, schema.name(), "_backward: result ", name);
    indices.push_back(static_cast<size_t>(index));
    name = end == std::string::npos ? "" : name.substr(end + 5);
  }
  return indices;
}

const Plan& plan_of(const OperatorHandle& op) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const Plan>> plans;
  const FunctionSchema& schema = op.schema();
  const std::lock_guard<std::mutex> lock(mutex);
  auto& plan = plans[schema.name()];
  if (plan != nullptr) return *plan;
  const auto forward = find(schema.name() + "_forward");
  Plan made{.name = schema.name(),
            .forward = forward.value_or(op),
            .backward = find(schema.name() + "_backward").value(),
            .reference = find(schema.name() + "_reference").value(),
            .saves = forward.has_value(),
            .results = schema.returns().size()};
  for (const c10::Argument& argument : made.backward.schema().arguments()) {
    made.inputs.push_back(input_of(schema, argument));
  }
  for (const c10::Argument& result : made.backward.schema().returns()) {
    made.gradient_of.push_back(arguments_of_gradient(schema, result.name()));
  }
  plan = std::make_unique<const Plan>(std::move(made));
  return *plan;
}

at::Tensor tensor_of(const IValue& value) {
  return value.isTensor() ? value.toTensor() : at::Tensor();
}
IValue optional_tensor(const at::Tensor& tensor) {
  return tensor.defined() ? IValue(tensor) : IValue();
}

// Carries nothing but the name: asked for a gradient, it says that there is none.
class OnceDifferentiable : public torch::autograd::Function<OnceDifferentiable> {
 public:
  static variable_list forward(AutogradContext* context, const std::string& name,
                               const at::Tensor& /*cause*/, variable_list gradients) {
    context->saved_data["name"] = name;
    return gradients;
  }
  static variable_list backward(AutogradContext* context, const variable_list& /*gradients*/) {
    const std::string name = context->saved_data["name"].toStringRef().substr(5);  // after icl::
    throw UsageError(str("icl::", name, " can be differentiated once; for second derivatives use ",
                         "torch.ops.icl.", name, "_reference (in C++ icl::", name, "_reference)"));
  }
};

// Gradients made by a kernel, tied to what they came from (one of `causes`): a second derivative is
// refused with words instead of being left out.
variable_list once_differentiable(const std::string& name, const variable_list& causes,
                                  variable_list gradients) {
  if (!at::GradMode::is_enabled()) return gradients;
  at::Tensor cause;
  for (const at::Tensor& tensor : causes) {
    if (tensor.defined() && tensor.requires_grad()) cause = tensor;
  }
  if (!cause.defined()) return gradients;
  std::vector<size_t> places;
  variable_list defined;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) continue;
    places.push_back(i);
    defined.push_back(gradients[i]);
  }
  const variable_list tied = OnceDifferentiable::apply(name, cause, defined);
  for (size_t i = 0; i < places.size(); ++i) gradients[places[i]] = tied[i];
  return gradients;
}

// One call of x, as the autograd function takes it: in `arguments` the defined tensors are replaced
// by None, as they are given separately; `places` says where each was.
struct Call {
  const Plan* plan;
  Stack arguments;
  std::vector<int64_t> places;
};

class WithGradients : public torch::autograd::Function<WithGradients> {
 public:
  static variable_list forward(AutogradContext* context, const Call& call, at::TensorList tensors) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const Plan& plan = *call.plan;
    Stack stack = call.arguments;
    for (size_t i = 0; i < tensors.size(); ++i) stack[call.places[i]] = tensors[i];
    Stack arguments = stack;
    if (plan.saves) stack.emplace_back(true);
    plan.forward.callBoxed(&stack);
    remember(context, plan, std::move(arguments), stack);
    context->saved_data["places"] = call.places;
    context->set_materialize_grads(false);
    variable_list results;
    for (size_t i = 0; i < plan.results; ++i) results.push_back(stack[i].toTensor());
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& incoming) {
    const Plan& plan = plan_of(find(context->saved_data["name"].toStringRef()).value());
    const variable_list saved = context->get_saved_variables();
    const auto constants = context->saved_data["constants"].toTupleRef().elements().vec();
    Stack stack;
    for (size_t i = 0; i < plan.inputs.size(); ++i) {
      const Plan::Input& input = plan.inputs[i];
      if (input.source == Plan::Source::kGradient) {
        const at::Tensor& given = incoming[input.index];
        stack.push_back(given.defined() || input.optional ? optional_tensor(given)
                                                          : zeros(context, input.index));
      } else {
        stack.push_back(saved[i].defined() ? IValue(saved[i]) : constants[i]);
      }
    }
    variable_list gradients;
    {
      const at::AutoDispatchBelowADInplaceOrView below;
      plan.backward.callBoxed(&stack);
      gradients = in_order(context, plan, stack);
    }
    variable_list causes = incoming;
    causes.insert(causes.end(), saved.begin(), saved.end());
    return once_differentiable(plan.name, causes, gradients);
  }

 private:
  // What x_backward will be called with, in its order: tensors in the list of saved variables,
  // the rest in saved_data.
  static void remember(AutogradContext* context, const Plan& plan, Stack arguments,
                       const Stack& results) {
    variable_list tensors;
    Stack constants;
    for (const Plan::Input& input : plan.inputs) {
      IValue value;
      if (input.source == Plan::Source::kArgument) value = arguments[input.index];
      if (input.source == Plan::Source::kResult) value = results[input.index];
      if (input.source == Plan::Source::kSaved) value = results[plan.results];
      tensors.push_back(tensor_of(value));
      constants.push_back(value.isTensor() ? IValue() : value);
    }
    context->save_for_backward(tensors);
    context->saved_data["name"] = plan.name;
    context->saved_data["constants"] = c10::ivalue::Tuple::create(std::move(constants));
    for (size_t i = 0; i < plan.results; ++i) {
      const at::Tensor result = results[i].toTensor();
      context->saved_data[str("sizes", i)] = result.sym_sizes();
      context->saved_data[str("type", i)] = result.scalar_type();
    }
    c10::List<int64_t> types;
    for (const IValue& argument : arguments) {
      const at::Tensor tensor = tensor_of(argument);
      types.push_back(tensor.defined() ? static_cast<int64_t>(tensor.scalar_type()) : -1);
    }
    context->saved_data["types"] = types;
    context->saved_data["device"] = results[0].toTensor().device();
  }

  static at::Tensor zeros(AutogradContext* context, size_t result) {
    const auto options = at::TensorOptions()
                             .dtype(context->saved_data[str("type", result)].toScalarType())
                             .device(context->saved_data["device"].toDevice());
    const auto sizes = context->saved_data[str("sizes", result)].toSymIntVector();
    return at::zeros_symint(sizes, options);
  }

  // The results of x_backward in the order of forward's arguments: none for the call, then one for
  // each tensor.
  static variable_list in_order(AutogradContext* context, const Plan& plan, const Stack& results) {
    const auto places = context->saved_data["places"].toIntVector();
    const auto types = context->saved_data["types"].toIntVector();
    variable_list by_argument(types.size());
    for (size_t i = 0; i < results.size(); ++i) {
      for (const size_t argument : plan.gradient_of[i]) {
        const at::Tensor gradient = tensor_of(results[i]);
        if (!gradient.defined() || types[argument] < 0) continue;
        by_argument[argument] = gradient.to(static_cast<at::ScalarType>(types[argument]));
      }
    }
    variable_list gradients(1);
    for (const int64_t place : places) gradients.push_back(by_argument[place]);
    return gradients;
  }
};

// The last arguments of the stack, which the call of `op` is made with.
at::ArrayRef<IValue> arguments_on(const Stack& stack, const OperatorHandle& op) {
  const size_t count = op.schema().arguments().size();
  return at::ArrayRef<IValue>(stack).slice(stack.size() - count, count);
}

bool has_forward_gradient(const at::Tensor& tensor) {
  return tensor.defined() && tensor._fw_grad(/*level=*/0).defined();
}

void call_reference(const OperatorHandle& op, Stack* stack) {
  TORCH_WARN_ONCE(op.schema().name(),
                  " under torch.func or forward-mode differentiation runs its reference, which is "
                  "slower by far");
  find(op.schema().name() + "_reference").value().callBoxed(stack);
}

// The Autograd key. Transforms of torch.func and forward-mode differentiation need formulas that a
// kernel with one backward pass does not have: the reference, made of ordinary operations, has
// them.
void autograd(const OperatorHandle& op, c10::DispatchKeySet /*keys*/, Stack* stack) {
  const at::ArrayRef<IValue> arguments = arguments_on(*stack, op);
  variable_list tensors;
  bool forward_mode = at::functorch::maybeCurrentDynamicLayer().has_value();
  Call call{nullptr, arguments.vec(), {}};
  for (size_t i = 0; i < arguments.size(); ++i) {
    const at::Tensor tensor = tensor_of(arguments[i]);
    if (!tensor.defined()) continue;
    forward_mode = forward_mode || has_forward_gradient(tensor);
    tensors.push_back(tensor);
    call.places.push_back(static_cast<int64_t>(i));
    call.arguments[i] = IValue();
  }
  if (forward_mode) return call_reference(op, stack);
  if (!needs_gradient(tensors)) {
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.callBoxed(stack);
  }
  call.plan = &plan_of(op);
  const variable_list results = WithGradients::apply(call, at::TensorList(tensors));
  stack->resize(stack->size() - arguments.size());
  for (const at::Tensor& result : results) stack->emplace_back(result);
}

// Under vmap.
void batched(const OperatorHandle& op, c10::DispatchKeySet /*keys*/, Stack* stack) {
  call_reference(op, stack);
}

// Under autocast on the CPU, whose kernels know no 16-bit types: in float32.
void in_float32(const OperatorHandle& op, c10::DispatchKeySet /*keys*/, Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
  const auto count = static_cast<std::ptrdiff_t>(op.schema().arguments().size());
  for (auto argument = stack->end() - count; argument != stack->end(); ++argument) {
    if (!argument->isTensor()) continue;
    *argument = at::autocast::cached_cast(at::kFloat, argument->toTensor(), c10::DeviceType::CPU);
  }
  op.callBoxed(stack);
}

// x as x_forward that saves nothing.
void unsaved(const OperatorHandle& op, c10::DispatchKeySet /*keys*/, Stack* stack) {
  stack->emplace_back(false);
  find(op.schema().name() + "_forward").value().callBoxed(stack);
  stack->pop_back();  // `saved`, which is empty
}

// The shapes of x_backward: those of the arguments.
void gradient_shapes(const OperatorHandle& op, c10::DispatchKeySet /*keys*/, Stack* stack) {
  const FunctionSchema& schema = op.schema();
  const at::ArrayRef<IValue> arguments = arguments_on(*stack, op);
  Stack gradients;
  for (const c10::Argument& result : schema.returns()) {
    const int index = index_of(schema.arguments(), result.name().substr(1));
    TORCH_INTERNAL_ASSERT(index >= 0, schema.name(), ": result ", result.name());
    const at::Tensor argument = tensor_of(arguments[index]);
    gradients.emplace_back(argument.defined()
                               ? at::empty_symint(argument.sym_sizes(), argument.options())
                               : at::Tensor());
  }
  stack->resize(stack->size() - arguments.size());
  for (IValue& gradient : gradients) stack->push_back(std::move(gradient));
}

template <c10::BoxedKernel::BoxedKernelFunction_withDispatchKeys* function>
torch::CppFunction on(c10::DispatchKey key) {
  return torch::dispatch(key, torch::CppFunction::makeFromBoxedFunction<function>());
}

}  // namespace

bool needs_gradient(at::TensorList tensors) {
  if (!at::GradMode::is_enabled()) return false;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.defined() && tensor.requires_grad()) return true;
  }
  return false;
}

Registration::Registration(torch::Library& library, const char* schema) : library_(library) {
  const std::string text = schema;
  const size_t end = text.find('(');
  name_ = text.substr(0, end);
  library_.def(schema);
  library_.def((reference_name() + text.substr(end)).c_str());
  library_.impl(name_.c_str(), on<&autograd>(c10::DispatchKey::Autograd));
  library_.impl(name_.c_str(), on<&batched>(c10::DispatchKey::FuncTorchBatched));
  library_.impl(name_.c_str(), on<&in_float32>(c10::DispatchKey::AutocastCPU));
}

void Registration::forward_without_saving() const {
  for (const auto key : {c10::DispatchKey::CPU, c10::DispatchKey::CUDA, c10::DispatchKey::Meta}) {
    library_.impl(name_.c_str(), on<&unsaved>(key));
  }
}

void Registration::gradients_like_arguments() const {
  library_.impl((name_ + "_backward").c_str(), on<&gradient_shapes>(c10::DispatchKey::Meta));
}

}  // namespace icl::ops
