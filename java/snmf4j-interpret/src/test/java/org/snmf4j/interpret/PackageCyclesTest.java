package org.snmf4j.interpret;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;

@AnalyzeClasses(
    packages = "org.snmf4j.interpret",
    importOptions = ImportOption.DoNotIncludeTests.class)
class PackageCyclesTest {
  @ArchTest
  static final ArchRule noCycles =
      slices().matching("org.snmf4j.interpret.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule readingKnowsNothingOfReports =
      ArchRuleDefinition.noClasses()
          .that()
          .resideInAPackage("..contexts..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("..report..");
}
