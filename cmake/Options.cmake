# What a build may be asked for.
option(SNMF4J_TESTS "Build the native tests (needs doctest)" OFF)
option(SNMF4J_SANITIZE "Compile everything with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(SNMF4J_CPU "Build the CPU kernels" ON)
set(SNMF4J_CUDA AUTO CACHE STRING
    "CUDA kernels: AUTO builds them if nvcc is there and their host twin anyway, ON fails without nvcc, TWIN builds the twin alone, OFF neither")
set_property(CACHE SNMF4J_CUDA PROPERTY STRINGS AUTO ON TWIN OFF)
option(SNMF4J_CUDA_DEVICE_TESTS "With SNMF4J_TESTS: the kernels' tests for a device, too (needs nvcc)" OFF)
set(SNMF4J_JNI_DIR "" CACHE PATH
    "Folder of the JNI glue that JavaCPP generated; without it no library for Java is built")
set(SNMF4J_CUDA_JNI_DIR "" CACHE PATH "The same for the CUDA backend")
option(SNMF4J_SKIP_TWIN "Build the twin's library for Java only when asked for" OFF)
set(SNMF4J_CUDA_TWIN_DIR "${CMAKE_BINARY_DIR}/twin" CACHE PATH "Where the twin's library for Java goes")
set(SNMF4J_OUTPUT_DIR "${CMAKE_BINARY_DIR}/out" CACHE PATH "Where the library for Java goes")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
