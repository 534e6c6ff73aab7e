# shellcheck shell=bash
# Starts the built command. Sourced after build.sh. Nothing here writes to stdout.

# memory_bytes: what this process may use: the machine's memory, or its container's limit.
memory_bytes() {
  local kib limit bytes file
  kib="$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null || true)"
  bytes=$((${kib:-4194304} * 1024))
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    if [ -r "$file" ]; then
      limit="$(cat "$file")"
      # "max", and version 1's huge number, mean no limit.
      if [[ "$limit" =~ ^[0-9]{1,18}$ ]] && [ "$limit" -gt 0 ] && [ "$limit" -lt "$bytes" ]; then
        bytes="$limit"
      fi
    fi
  done
  printf '%s' "$bytes"
}

# run_cli ARGUMENT…: replaces this process by the command.
run_cli() {
  local options=() extra=() major
  use_java || die "snmf4j: no Java $JDK_MINIMUM or newer found (JAVA_HOME, PATH, /usr/lib/jvm)"
  # Matrices live off the heap; the JVM's default limit for that is the heap's own size.
  options+=("-XX:MaxDirectMemorySize=$(($(memory_bytes) * 8 / 10))")
  # Newer JVMs warn on stderr about native code, and about libraries that use sun.misc.Unsafe.
  major="$(java_major "$JAVA_HOME")"
  if [ "$major" -ge 24 ]; then options+=(--enable-native-access=ALL-UNNAMED); fi
  case "$major" in 24 | 25) options+=(--sun-misc-unsafe-memory-access=allow) ;; esac
  # Later options win, so the user's come last.
  read -r -a extra <<<"${JAVA_OPTS:-} ${SNMF4J_JAVA_OPTS:-}" || true
  exec "$JAVA_HOME/bin/java" "${options[@]}" ${extra[@]+"${extra[@]}"} -jar "$(cli_jar)" "$@"
}
