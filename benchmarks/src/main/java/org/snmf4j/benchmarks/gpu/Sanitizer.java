package org.snmf4j.benchmarks.gpu;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The native tests under compute-sanitizer: wrong accesses, and races in shared memory. */
final class Sanitizer implements Part.Check {
  private static final List<String> TOOLS = List.of("memcheck", "racecheck");

  /** What it ends with if it has found something. */
  private static final int FOUND = 86;

  @Override
  public boolean startsProcesses() {
    return true;
  }

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    String missing = settings.whyNoPrograms();
    if (missing != null) {
      findings.skip(missing);
      return;
    }
    Path sanitizer = find();
    if (sanitizer == null) {
      findings.skip(
          "compute-sanitizer is neither on the PATH nor in CUDA_PATH, CUDA_HOME, /usr/local/cuda");
      return;
    }
    for (String tool : TOOLS) {
      for (String name : KernelTests.names(settings)) {
        check(settings, findings, sanitizer, tool, name);
      }
    }
  }

  private static void check(
      Settings settings, Findings findings, Path sanitizer, String tool, String name)
      throws Exception {
    List<String> command = new ArrayList<>();
    command.addAll(List.of(sanitizer.toString(), "--tool", tool));
    command.addAll(List.of("--error-exitcode", Integer.toString(FOUND)));
    if (tool.equals("memcheck")) {
      // The tests ask for more memory than there is, which the runtime has to refuse; every call's
      // status is checked by the library itself.
      command.addAll(List.of("--report-api-errors", "no"));
    }
    command.addAll(KernelTests.command(settings, name));
    String what = tool + " of " + name;
    Processes.Ended ended =
        Processes.run(
            settings, tool + "-" + name + ".log", KernelTests.environment(settings), command);
    if (ended.status() == FOUND) {
      findings.error(what + " found errors; see " + ended.log() + ":\n    " + ended.tail());
    } else {
      KernelTests.report(what, ended, findings);
    }
  }

  private static Path find() {
    List<String> folders = new ArrayList<>();
    folders.addAll(List.of(System.getenv().getOrDefault("PATH", "").split(":")));
    for (String variable : List.of("CUDA_PATH", "CUDA_HOME")) {
      String folder = System.getenv(variable);
      if (folder != null) {
        folders.addAll(List.of(folder + "/bin", folder + "/compute-sanitizer"));
      }
    }
    folders.addAll(List.of("/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer"));
    return folders.stream()
        .filter(folder -> !folder.isBlank())
        .map(folder -> Path.of(folder, "compute-sanitizer"))
        .filter(Files::isExecutable)
        .findFirst()
        .orElse(null);
  }
}
