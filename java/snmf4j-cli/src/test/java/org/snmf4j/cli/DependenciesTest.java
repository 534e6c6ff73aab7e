package org.snmf4j.cli;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "org.snmf4j", importOptions = DoNotIncludeTests.class)
class DependenciesTest {
  /** Over the classes of all modules, which are all on this module's class path. */
  @ArchTest
  static final ArchRule PACKAGES_FORM_NO_CYCLES =
      slices().matching("org.snmf4j.(**)").namingSlices("$1").should().beFreeOfCycles();
}
