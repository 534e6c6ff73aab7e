# shellcheck shell=bash
# Builds the command when its sources changed. Sourced after toolchain.sh, with ROOT set.
# Nothing here writes to stdout.

CLI_TARGET="$ROOT/java/snmf4j-cli/target"
STAMP="$CLI_TARGET/.built-from"

# fingerprint: changes whenever a source of the command is added, removed, touched or replaced.
fingerprint() {
  local paths=() path
  for path in pom.xml .mvn native cmake java; do
    if [ -e "$ROOT/$path" ]; then paths+=("$path"); fi
  done
  (cd "$ROOT" && find "${paths[@]}" \
    \( -name target -o -name build -o -path '*/src/test' \) -prune \
    -o -type f -printf '%p %s %T@\n' | LC_ALL=C sort | sha256sum)
}

cli_jar() {
  local jar
  for jar in "$CLI_TARGET"/snmf4j-cli-*.jar; do
    case "$jar" in
      *-sources.jar | *-javadoc.jar | *-tests.jar) ;;
      *) if [ -f "$jar" ]; then printf '%s' "$jar"; fi ;;
    esac
  done
}

is_built() {
  [ -f "$STAMP" ] && [ -n "$(cli_jar)" ] && [ "$(cat "$STAMP")" = "$(fingerprint)" ]
}

# lock_build: one build of this checkout at a time; held until the process ends or unlock_build.
lock_build() {
  mkdir -p "$CLI_TARGET"
  exec 9>"$CLI_TARGET/.build-lock"
  flock 9
}

unlock_build() { exec 9>&-; }

# ensure_built: returns with the command built from the sources as they are, or exits.
ensure_built() {
  if is_built; then return 0; fi
  require_toolchain build
  lock_build
  # Whoever held the lock may have built what we need.
  if ! is_built; then
    local sources log="$CLI_TARGET/build.log"
    sources="$(fingerprint)"
    rm -f "$STAMP"
    note "snmf4j: building; the first time takes a minute or more …"
    if ! (cd "$ROOT" && "${MVN[@]}" -q -B -Dstyle.color=never -pl java/snmf4j-cli -am \
      -DskipTests -Dmaven.test.skip=true package) >"$log" 2>&1 </dev/null 9>&-; then
      cat "$log" >&2
      die "snmf4j: the build failed (log: $log)"
    fi
    printf '%s\n' "$sources" >"$STAMP"
  fi
  unlock_build
}
