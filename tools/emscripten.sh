#!/usr/bin/env bash
# Puts Emscripten 3.1.69 (LLVM 19) into a folder of its own on Debian 12, whose own package is too old
# for relaxed SIMD. Outside PREFIX it installs Debian's clang-19, lld-19 and llvm-19, nothing else.
#
#   tools/emscripten.sh PREFIX        then PREFIX/bin/emcc works
#
# Emscripten, binaryen and the C library that binaryen was built for come from the next Debian release
# through a private apt; they are unpacked under PREFIX, never installed.
set -euo pipefail

suite=trixie
packages=(emscripten binaryen node-acorn libc6 libstdc++6 libgcc-s1)
llvm=/usr/lib/llvm-19/bin

prefix=$(mkdir -p "$1" && cd "$1" && pwd)
root=$prefix/root
if [ -x "$prefix/bin/emcc" ] && "$prefix/bin/emcc" --version >/dev/null 2>&1; then exit 0; fi

fail() { echo "emscripten.sh: $*" >&2; exit 1; }
[ "$(uname -m)" = x86_64 ] || fail "this way is for x86-64 Debian 12: put emcc 3.1.60 or newer on PATH"
command -v apt-get >/dev/null || fail "this machine has no apt: put emcc 3.1.60 or newer on PATH"

if ! [ -x $llvm/clang ] || ! [ -x $llvm/wasm-ld ]; then
  [ "$(id -u)" = 0 ] || fail "needs clang-19, lld-19 and llvm-19: run  apt-get install clang-19 lld-19 llvm-19  as root"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang-19 lld-19 llvm-19 >/dev/null
fi

# the machine's own Debian mirror and keys, with the newer suite's name
private=$prefix/apt
rm -rf "$private" "$root"
mkdir -p "$private/lists/partial" "$private/cache/archives/partial" "$root"
sources=/etc/apt/sources.list.d/debian.sources
if [ -f $sources ]; then
  awk -v suite=$suite 'BEGIN { RS = ""; ORS = "\n\n" }
    /Suites:[^\n]*bookworm/ && !/security/ { sub(/Suites:[^\n]*/, "Suites: " suite); print; exit }' \
    $sources >"$private/next.sources"
else
  awk -v suite=$suite '$1 == "deb" && $0 ~ / bookworm main/ { sub(/ bookworm /, " " suite " "); print; exit }' \
    /etc/apt/sources.list >"$private/next.list"
fi
list=$(ls "$private"/next.*)
[ -s "$list" ] || fail "found no Debian 12 mirror in the apt sources: put emcc 3.1.60 or newer on PATH"
apt_options=(-qq -o "Dir::Etc::sourcelist=$list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$private/lists"
  -o "Dir::Cache=$private/cache" -o APT::Sandbox::User=root)
apt-get "${apt_options[@]}" update
(cd "$private" && apt-get "${apt_options[@]}" download "${packages[@]/%//$suite}")
for package in "$private"/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --exclude='*/emscripten/test' \
    --exclude='*-emscripten/thinlto' --exclude='*-emscripten/lto' --exclude='*-emscripten/pic' --exclude='./usr/share/doc'
done
rm -rf "$private"

# binaryen runs under the C library that came with it
mkdir -p "$prefix/binaryen/bin" "$prefix/bin"
libraries=$root/usr/lib/x86_64-linux-gnu
for tool in "$root"/usr/bin/wasm*; do
  name=${tool##*/}
  printf '#!/bin/sh\nexec "%s" --argv0 "%s" --library-path "%s" "%s" "$@"\n' \
    "$libraries/ld-linux-x86-64.so.2" "$name" "$libraries" "$tool" >"$prefix/binaryen/bin/$name"
  chmod +x "$prefix/binaryen/bin/$name"
done

# Emscripten's scripts are CommonJS; without this a package.json above would say otherwise
echo '{ "type": "commonjs" }' >"$prefix/package.json"

emscripten=$root/usr/share/emscripten
mkdir -p "$emscripten/node_modules"
ln -sfn "$root/usr/share/nodejs/acorn" "$emscripten/node_modules/acorn"
# the config that emcc reads by itself, also when CMake calls it without the wrapper below
cat >"$emscripten/.emscripten" <<PY
LLVM_ROOT = '$llvm'
BINARYEN_ROOT = '$prefix/binaryen'
NODE_JS = '$(command -v node)'
CACHE = '$emscripten/cache'
PY
for tool in emcc em++ emar emranlib emcmake; do
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$emscripten/$tool" >"$prefix/bin/$tool"
  chmod +x "$prefix/bin/$tool"
done
"$prefix/bin/emcc" --version | head -n 1
