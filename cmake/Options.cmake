# What a build may be asked for.
option(SNMF4J_TESTS "Build the native tests (needs doctest)" OFF)
option(SNMF4J_SANITIZE "Compile everything with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
set(SNMF4J_JNI_DIR "" CACHE PATH
    "Folder of the JNI glue that JavaCPP generated; without it no library for Java is built")
set(SNMF4J_OUTPUT_DIR "${CMAKE_BINARY_DIR}/out" CACHE PATH "Where the library for Java goes")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
