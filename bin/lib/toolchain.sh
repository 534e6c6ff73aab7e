# shellcheck shell=bash
# What a build needs, and how to get it. Sourced by the scripts in bin/.
# Nothing here writes to stdout: programs read the stdout of bin/snmf4j.

readonly JDK_MINIMUM=17
readonly CMAKE_MINIMUM=3.22
readonly MAVEN_MINIMUM=3.8

note() { printf '%s\n' "$*" >&2; }

die() {
  note "$*"
  exit 1
}

# at_least FOUND MINIMUM: compares dotted versions.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# java_major HOME: the feature release (17, 21, …) of a Java installation, nothing if it is none.
java_major() {
  local version=""
  [ -x "$1/bin/java" ] || return 0
  if [ -r "$1/release" ]; then
    version="$(sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9][0-9]*\).*/\1/p' "$1/release")"
  fi
  if [ -z "$version" ]; then
    version="$("$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9][0-9]*\).*/\1/p' | head -n 1)"
  fi
  printf '%s' "$version"
}

# java_homes: candidates, best first.
java_homes() {
  local found
  if [ -n "${JAVA_HOME:-}" ]; then printf '%s\n' "$JAVA_HOME"; fi
  for found in javac java; do
    found="$(command -v "$found" || true)"
    if [ -n "$found" ]; then
      found="$(readlink -f "$found")"
      printf '%s\n' "${found%/bin/*}"
    fi
  done
  for found in /usr/lib/jvm/*; do
    if [ -d "$found" ]; then printf '%s\n' "$found"; fi
  done
}

# use_java [jdk]: exports JAVA_HOME for the first recent enough Java, with a compiler if asked.
use_java() {
  local home major
  while IFS= read -r home; do
    if [ "${1:-}" = jdk ] && [ ! -x "$home/bin/javac" ]; then continue; fi
    major="$(java_major "$home")"
    if [ -n "$major" ] && [ "$major" -ge "$JDK_MINIMUM" ]; then
      export JAVA_HOME="$home"
      return 0
    fi
  done < <(java_homes)
  return 1
}

# use_maven: sets MVN to the machine's Maven, or to the wrapper, which brings its own.
use_maven() {
  local version=""
  if command -v mvn >/dev/null; then
    version="$(mvn -v 2>/dev/null | sed -n 's/.*Apache Maven \([0-9.]*\).*/\1/p' | head -n 1)"
  fi
  if [ -n "$version" ] && at_least "$version" "$MAVEN_MINIMUM"; then
    MVN=(mvn)
  else
    MVN=("$ROOT/mvnw")
  fi
  export MVN
}

has_cmake() {
  local version
  command -v cmake >/dev/null || return 1
  version="$(cmake --version | sed -n 's/^cmake version \([0-9.]*\).*/\1/p')"
  at_least "${version:-0}" "$CMAKE_MINIMUM"
}

# The compiler that CMake will take: CXX, or one of the usual names.
has_compiler() {
  local compiler
  for compiler in ${CXX:-} c++ g++ clang++; do
    if command -v "$compiler" >/dev/null \
      && printf '#include <optional>\nstd::optional<int> value;\n' \
      | "$compiler" -std=c++17 -x c++ -fsyntax-only - >/dev/null 2>&1; then
      return 0
    fi
  done
  return 1
}

# The header of the native tests' framework.
has_doctest() {
  printf '#include <doctest/doctest.h>\n' \
    | "${CXX:-c++}" -std=c++17 -x c++ -fsyntax-only - >/dev/null 2>&1
}

# missing_tools build|tests|models: one line per missing tool: Debian package, then what it is.
missing_tools() {
  local package=""
  if ! use_java jdk; then
    for package in openjdk-17-jdk-headless openjdk-21-jdk-headless default-jdk-headless; do
      if ! command -v apt-cache >/dev/null || apt-cache show "$package" >/dev/null 2>&1; then break; fi
    done
    printf '%s\tJDK %s or newer (with javac)\n' "$package" "$JDK_MINIMUM"
  fi
  command -v git >/dev/null || printf 'git\tgit\n'
  command -v flock >/dev/null || printf 'util-linux\tflock\n'
  has_cmake || printf 'cmake\tCMake %s or newer\n' "$CMAKE_MINIMUM"
  has_compiler || printf 'g++\ta C++17 compiler (g++ or clang++)\n'
  command -v make >/dev/null || command -v ninja >/dev/null || printf 'make\tmake or ninja\n'
  if [ "$1" = tests ]; then
    has_doctest || printf 'doctest-dev\tdoctest, for the native tests\n'
  fi
  if [ "$1" = models ]; then
    command -v npm >/dev/null || printf 'npm\tnpm, which fetches models\n'
    command -v tar >/dev/null || printf 'tar\ttar\n'
    command -v gzip >/dev/null || printf 'gzip\tgzip\n'
    command -v sha256sum >/dev/null || printf 'coreutils\tsha256sum\n'
  fi
}

# as_root COMMAND…: runs it as root, through password-less sudo if need be.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# require_toolchain build|tests|models: returns with all tools present, JAVA_HOME exported and MVN set, or exits.
require_toolchain() {
  local missing packages=()
  missing="$(missing_tools "$@")"
  if [ -n "$missing" ] && can_install; then
    # A fresh machine has no package lists, and without them no package is known.
    note "snmf4j: missing $(printf '%s\n' "$missing" | cut -f 2 | paste -sd ';' | sed 's/;/; /g')"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2 || true
    missing="$(missing_tools "$@")"
    mapfile -t packages < <(printf '%s\n' "$missing" | cut -f 1)
    note "snmf4j: installing ${packages[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o DPkg::Lock::Timeout=300 "${packages[@]}" </dev/null >&2 \
      || die "snmf4j: apt-get could not install ${packages[*]}"
    missing="$(missing_tools "$@")"
  fi
  if [ -n "$missing" ]; then
    note "snmf4j: this machine lacks:"
    printf '%s\n' "$missing" | sed 's/^[^\t]*\t/  - /' >&2
    mapfile -t packages < <(printf '%s\n' "$missing" | cut -f 1)
    die "On Debian or Ubuntu: sudo apt-get update && sudo apt-get install -y ${packages[*]}"
  fi
  use_java jdk
  use_maven
}
