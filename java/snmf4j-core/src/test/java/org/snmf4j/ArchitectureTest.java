package org.snmf4j;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;

@AnalyzeClasses(packages = "org.snmf4j", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  /** Every package is a slice of its own, the root package too. */
  private static final SliceAssignment PACKAGES =
      new SliceAssignment() {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
          return SliceIdentifier.of(type.getPackageName());
        }

        @Override
        public String getDescription() {
          return "packages";
        }
      };

  @ArchTest
  static final ArchRule PACKAGES_ARE_FREE_OF_CYCLES =
      slices().assignedFrom(PACKAGES).should().beFreeOfCycles();

  @ArchTest
  static final ArchRule CORE_DEPENDS_ON_THE_JDK_ALONE =
      noClasses().should().dependOnClassesThat().resideOutsideOfPackages("org.snmf4j..", "java..");

  @ArchTest
  static final ArchRule ONLY_THE_SERVICE_LOADER_KNOWS_THE_JAVA_BACKEND =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.snmf4j.backend.reference")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.snmf4j.backend.reference");
}
