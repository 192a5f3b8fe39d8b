# SPDX-License-Identifier: Apache-2.0
# The house's compiler rules, the libraries it stands on, and three words for describing a target:
#   riser_library(NAME SOURCES ... [LINK ...])   a static library
#   riser_program(NAME SOURCES ... LINK ...)     a program in bin/
#   riser_unit_test(NAME SOURCES ... LINK ...)   a cmocka test, registered with ctest under the label "unit"

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}") # assertions stay on
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

set(RISER_SANITIZE "" CACHE STRING "address (with undefined), thread, fuzzer or coverage (both: clang alone); empty: none")

set(RISER_CANARY "" CACHE STRING "a promise that is broken on purpose (docs/canaries.md); empty: none")
file(STRINGS ${PROJECT_SOURCE_DIR}/lib/base/canary.h canaries REGEX "^  CANARY_")
list(TRANSFORM canaries REPLACE "^  CANARY_([A-Z_]+).*" "\\1")
set(canary_id NONE)
set(RISER_VERSION ${PROJECT_VERSION})
if(RISER_CANARY)
  string(TOUPPER ${RISER_CANARY} canary_id)
  string(REPLACE "-" "_" canary_id ${canary_id})
  if(NOT canary_id IN_LIST canaries)
    message(FATAL_ERROR "there is no canary '${RISER_CANARY}': see lib/base/canary.h")
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    message(FATAL_ERROR "a canary is never a release: it breaks a promise on purpose (RISER_CANARY=${RISER_CANARY})")
  endif()
  set(RISER_VERSION ${PROJECT_VERSION}+broken-on-purpose.${RISER_CANARY})
  message(WARNING "THIS BUILD IS BROKEN ON PURPOSE (canary ${RISER_CANARY}). It loses or repeats what it should not, "
    "and is only there for a test to notice. Never run it with anybody's data.")
endif()
configure_file(${PROJECT_SOURCE_DIR}/lib/base/canary_build.h.in ${PROJECT_BINARY_DIR}/generated/base/canary_build.h)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis>=0.14)
pkg_check_modules(HIREDIS_SSL IMPORTED_TARGET hiredis_ssl>=1.0)
pkg_check_modules(PROTOBUFC REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(JSONC REQUIRED IMPORTED_TARGET json-c)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(GLIB REQUIRED IMPORTED_TARGET glib-2.0)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
find_package(OpenSSL REQUIRED) # Paho's package file needs it, but does not ask for it
find_package(eclipse-paho-mqtt-c REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)

add_library(riser_rules INTERFACE)
target_include_directories(riser_rules INTERFACE ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/services
  ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(riser_rules INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_compile_options(riser_rules INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -fno-common -fstack-protector-strong)
set(sanitize_address address,undefined)
set(sanitize_thread thread)
set(sanitize_fuzzer fuzzer-no-link,address,undefined)
if(RISER_SANITIZE STREQUAL "coverage")
  target_compile_options(riser_rules INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(riser_rules INTERFACE -fprofile-instr-generate)
elseif(DEFINED sanitize_${RISER_SANITIZE})
  if(RISER_SANITIZE STREQUAL "thread")
    set(RISER_PROGRAM_SOURCES ${PROJECT_SOURCE_DIR}/tests/sanitizers/c11_threads.c) # librdkafka's threads, made visible
  endif()
  set(sanitize -fsanitize=${sanitize_${RISER_SANITIZE}})
  target_compile_options(riser_rules INTERFACE ${sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(riser_rules INTERFACE ${sanitize})
elseif(RISER_SANITIZE)
  message(FATAL_ERROR "RISER_SANITIZE is '${RISER_SANITIZE}'; it may be address, thread, fuzzer, coverage or empty")
endif()

function(riser_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC riser_rules ${ARG_LINK})
endfunction()

function(riser_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${RISER_PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE riser_rules ${ARG_LINK})
endfunction()

function(riser_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE riser_rules PkgConfig::CMOCKA ${ARG_LINK})
  target_compile_definitions(${name} PRIVATE RISER_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600)
endfunction()
