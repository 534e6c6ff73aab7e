package org.snmf4j.cli.doctor;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;

/** The virtual machine, the system and their memory. Sizes in bytes. */
final class Machine {
  private Machine() {}

  static Map<String, Object> java() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("version", Runtime.version().toString());
    facts.put("vendor", System.getProperty("java.vendor"));
    facts.put("vm", System.getProperty("java.vm.name"));
    facts.put("home", System.getProperty("java.home"));
    return facts;
  }

  static Map<String, Object> system() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", System.getProperty("os.name"));
    facts.put("version", System.getProperty("os.version"));
    facts.put("temporary_directory", System.getProperty("java.io.tmpdir"));
    return facts;
  }

  static Map<String, Object> memory() {
    long heap = Runtime.getRuntime().maxMemory();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put(
        "physical",
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize());
    facts.put("heap_limit", heap);
    long direct =
        Long.parseLong(
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                .getVMOption("MaxDirectMemorySize")
                .getValue());
    // 0 is the JVM's way to say "as much as the heap".
    facts.put("off_heap_limit", direct == 0 ? heap : direct);
    return facts;
  }
}
