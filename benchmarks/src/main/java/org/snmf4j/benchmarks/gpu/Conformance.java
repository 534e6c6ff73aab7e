package org.snmf4j.benchmarks.gpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** The conformance suite, run by JUnit's console launcher. */
final class Conformance implements Part.Check {
  private static final String SUITE = "org.snmf4j.tck.NamedBackendConformance";
  private static final int NAMED_FAILURES = 20;

  @Override
  public boolean startsProcesses() {
    return true;
  }

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    Path reports = settings.work.resolve("conformance");
    Path report = reports.resolve("TEST-junit-jupiter.xml");
    Files.deleteIfExists(report);
    List<String> launcher = new ArrayList<>();
    launcher.add("org.junit.platform.console.ConsoleLauncher");
    launcher.addAll(List.of("execute", "--select-class", SUITE));
    launcher.addAll(List.of("--reports-dir", reports.toString()));
    launcher.addAll(List.of("--disable-banner", "--disable-ansi-colors", "--details", "tree"));
    List<String> options = List.of("-Xmx2g", "-Dsnmf4j.tck.backend=" + settings.backend);
    Processes.Ended ended = Processes.java(settings, "conformance.log", options, launcher);
    if (!Files.exists(report)) {
      findings.error("conformance " + ended.how() + ":\n    " + ended.tail());
      return;
    }
    read(report, findings);
    if (ended.status() != 0 && findings.status().equals("passed")) {
      findings.error("conformance " + ended.how() + ":\n    " + ended.tail());
    }
  }

  private static void read(Path report, Findings findings) throws Exception {
    NodeList cases = cases(report);
    int passed = 0;
    int parity = 0;
    int aborted = 0;
    List<String> failures = new ArrayList<>();
    for (int i = 0; i < cases.getLength(); i++) {
      Element test = (Element) cases.item(i);
      String name = test.getAttribute("classname") + "." + test.getAttribute("name");
      NodeList failed = test.getElementsByTagName("failure");
      NodeList broken = test.getElementsByTagName("error");
      if (failed.getLength() + broken.getLength() > 0) {
        Element cause = (Element) (failed.getLength() > 0 ? failed : broken).item(0);
        failures.add(name + ": " + cause.getAttribute("message"));
      } else if (test.getElementsByTagName("skipped").getLength() > 0) {
        aborted++;
      } else {
        passed++;
        parity += name.contains("$Parity") ? 1 : 0;
      }
    }
    findings.atLeast("tests passed", passed, "", 1);
    findings.atLeast("of these, parity with the authors' iterates", parity, "", 1);
    findings.figure("tests that do not apply", aborted, "");
    findings.atMost("tests failed", failures.size(), "", 0);
    failures.stream().limit(NAMED_FAILURES).forEach(findings::error);
  }

  private static NodeList cases(Path report) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    try (var stream = Files.newInputStream(report)) {
      return factory.newDocumentBuilder().parse(stream).getElementsByTagName("testcase");
    } catch (org.xml.sax.SAXException e) {
      throw new IOException("the report " + report + " is damaged", e);
    }
  }
}
