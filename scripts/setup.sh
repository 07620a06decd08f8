#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building icl needs: Debian packages, and LibTorch from hash-pinned wheels.
#
#   scripts/setup.sh [auto|cpu|cuda|cuda-system-toolkit]
#
#   cpu                  no CUDA toolkit needed; 0.5 GB to download
#   cuda                 nvcc and all CUDA libraries from wheels; 2.6 GB to download
#   cuda-system-toolkit  uses the CUDA 13 toolkit that is installed; 0.8 GB to download
#   auto (default)       cuda-system-toolkit where nvcc 13 is found, else cpu
#
# The last line on stdout is the folder that holds LibTorch. It is shared by all checkouts, in
# ${XDG_CACHE_HOME:-~/.cache}/icl. ICL_LIBTORCH=DIR uses a LibTorch 2.11 that is already there.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
torch_version=2.11.0
say() { echo "setup: $*" >&2; }
fail() { echo "setup: error: $*" >&2; exit 1; }

packages=(build-essential ca-certificates ccache cmake git ninja-build pkg-config
  python3-pip unzip libbenchmark-dev libcli11-dev libfmt-dev libgmock-dev libgtest-dev libhwy-dev
  libicu-dev libonig-dev libspdlog-dev libxgboost-dev libxxhash-dev libyaml-cpp-dev nlohmann-json3-dev zlib1g-dev)

# Wanted where the distribution has them: without clang-format 14 the format of the sources is not checked.
optional_packages=(clang-format-14)

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]; }

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
  for package in "${optional_packages[@]}"; do
    is_installed "$package" || [ -z "$(apt-cache madison "$package" 2>/dev/null)" ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "needs these packages, and there is no apt-get: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "run as root, or install these packages first: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2
  for package in "${optional_packages[@]}"; do  # now that the lists of packages are there
    is_installed "$package" || [[ " ${missing[*]} " == *" $package "* ]] ||
      [ -z "$(apt-cache madison "$package" 2>/dev/null)" ] || missing+=("$package")
  done
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

choose_profile() {
  local nvcc
  nvcc="$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null || true)"
  if [ -n "$nvcc" ] && "$nvcc" --version | grep "release 13\." > /dev/null; then
    echo cuda-system-toolkit
  else
    echo cpu
  fi
}

# A LibTorch the user brought along.
check_given() {
  local root
  for root in "$1/torch" "$1/libtorch" "$1"; do
    [ -e "$root/include/ATen/ATen.h" ] || continue
    if grep -qs "2\.11\." "$root/version.py" "$root/build-version"; then
      echo "$1"
      return 0
    fi
    fail "ICL_LIBTORCH=$1: is not LibTorch 2.11"
  done
  fail "ICL_LIBTORCH=$1: holds neither torch/, libtorch/ nor include/ATen"
}

# Unpacks the wheels beside the final folder and renames, so that an interrupted run leaves nothing
# that looks complete.
install_libtorch() {
  local profile="$1" target="$2" pins="$here/wheels-$1.txt"
  local wheels platforms=() minor
  exec 9>"$(dirname "$target")/.lock-$profile"
  flock 9  # another clone may be at the same
  [ ! -d "$target" ] || return 0
  work="$(mktemp -d "$(dirname "$target")/.unfinished-XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  wheels="$work/wheels"
  # The torch wheel is tagged for one Python: ask for that one whatever this machine's is.
  for minor in 2014 2010; do platforms+=(--platform "manylinux${minor}_x86_64"); done
  for minor in $(seq 12 28); do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
  say "downloading LibTorch $torch_version ($profile)"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi none \
    "${platforms[@]}" --dest "$wheels" --requirement "$pins" >&2
  mkdir "$work/site"
  unzip -q "$wheels"/torch-*.whl 'torch/lib/*' 'torch/include/*' 'torch/version.py' \
    -x 'torch/lib/libtorch_python.so' -d "$work/site"
  local wheel
  for wheel in "$wheels"/nvidia_*.whl; do unzip -q -o "$wheel" -d "$work/site"; done
  local toolkit="$work/site/nvidia/cu13"
  if [ -d "$toolkit/lib" ]; then  # the shape of an installed toolkit, which nvcc expects
    ln -sfn lib "$toolkit/lib64"
    (cd "$toolkit/lib" && for library in lib*.so.*; do ln -sf "$library" "${library%%.so.*}.so"; done)
    [ ! -d "$toolkit/bin" ] || chmod -R a+rx "$toolkit/bin" "$toolkit/nvvm/bin"
  fi
  mv -T "$work/site" "$target"
}

# Says now what would otherwise only show when a program starts.
warn_of_missing_libraries() {
  local missing
  missing="$(ldd "$1/torch/lib/$2" | awk '/not found/ { print $1 }' | sort -u | tr '\n' ' ')"
  [ -z "$missing" ] || say "warning: $2 finds no ${missing% }; is the CUDA toolkit's lib folder known to ldconfig?"
}

profile="${1:-auto}"
case "$profile" in
  auto | cpu | cuda | cuda-system-toolkit) ;;
  *) fail "unknown profile '$profile': expected auto, cpu, cuda or cuda-system-toolkit" ;;
esac
install_packages
[ "$profile" != auto ] || profile="$(choose_profile)"
if [ -n "${ICL_LIBTORCH:-}" ]; then
  check_given "$ICL_LIBTORCH"
  exit 0
fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/icl"
mkdir -p "$cache"
target="$cache/libtorch-$torch_version-$profile-$(sha256sum "$here/wheels-$profile.txt" | cut -c1-8)"
[ -d "$target" ] || (install_libtorch "$profile" "$target")
if [ "$profile" = cpu ]; then
  warn_of_missing_libraries "$target" libtorch_cpu.so
else
  warn_of_missing_libraries "$target" libtorch_cuda.so
fi
say "LibTorch $torch_version ($profile): $target"
echo "$target"
