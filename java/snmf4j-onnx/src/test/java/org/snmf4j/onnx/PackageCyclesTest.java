package org.snmf4j.onnx;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** No package depends on itself through others. */
@AnalyzeClasses(packages = "org.snmf4j", importOptions = DoNotIncludeTests.class)
class PackageCyclesTest {
  @ArchTest
  static final ArchRule PACKAGES_FORM_NO_CYCLE =
      slices().matching("(org.snmf4j..)").should().beFreeOfCycles();
}
