# The WebAssembly variants: fixed-width and relaxed SIMD, each with and without threads.
#   emcmake cmake -B build/wasm -G Ninja && cmake --build build/wasm
# Every module is a reactor that imports its memory and one growth notice, and exports exports.txt.

list(APPEND RZ_SOURCES src/pool_wasm.c src/unicode_forms_wasm.c wasm/abi.c)
file(STRINGS wasm/exports.txt RZ_EXPORTS)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS wasm/exports.txt)
list(TRANSFORM RZ_EXPORTS PREPEND "_")
string(JOIN "," RZ_EXPORT_LIST ${RZ_EXPORTS})

# Only kernels and the pool decide how fast a model runs, and the inner loops of tokenizers how fast a
# text is read; all other code is compiled for size.
set(RZ_SMALL ${RZ_SOURCES})
list(FILTER RZ_SMALL EXCLUDE REGEX "/(pool|tok_bpe|tok_merge|trie|regex_match)\\.c$")
set(RZ_TEXT ${RZ_SOURCES}) # copies a few bytes at a time, which bulk memory makes a call of the host
list(FILTER RZ_TEXT INCLUDE REGEX "/(tok|norm|pretok|vocab|regex|trie|unicode)[a-z_]*\\.c$")
set_source_files_properties(${RZ_SMALL} PROPERTIES COMPILE_OPTIONS -Oz)
set_source_files_properties(src/regex_match.c PROPERTIES COMPILE_OPTIONS -Os)
set_property(SOURCE ${RZ_TEXT} APPEND PROPERTY COMPILE_OPTIONS -mno-bulk-memory)

# What every engine that knows SIMD128 knows as well. Without bulk memory, memset is a loop over bytes.
set(RZ_FEATURES -mbulk-memory -mnontrapping-fptoint -msign-ext)

function(rz_wasm name)
  cmake_parse_arguments(V "THREADS" "" "FLAGS;KERNELS" ${ARGN})
  add_executable(${name} ${RZ_SOURCES} ${V_KERNELS})
  set_target_properties(${name} PROPERTIES SUFFIX ".wasm")
  target_compile_options(${name} PRIVATE ${RZ_FLAGS} ${V_FLAGS} ${RZ_FEATURES} -fvisibility=hidden)
  target_compile_definitions(${name} PRIVATE RZ_NO_SCALAR)
  target_link_options(${name} PRIVATE
    ${RZ_FEATURES} -Oz --no-entry -sSTANDALONE_WASM -sIMPORTED_MEMORY -sALLOW_MEMORY_GROWTH
    -sINITIAL_MEMORY=1048576 -sMAXIMUM_MEMORY=4294967296 -sSTACK_SIZE=131072
    -sMALLOC=emmalloc -sFILESYSTEM=0 -sEXPORTED_FUNCTIONS=${RZ_EXPORT_LIST}
    -Wl,--export=__stack_pointer
    -sBINARYEN_EXTRA_PASSES=--converge) # until nothing gets smaller: 1 % of the module
  if(V_THREADS)
    target_compile_options(${name} PRIVATE -matomics)
    target_link_options(${name} PRIVATE -matomics -Wl,--shared-memory)
  endif()
endfunction()

# Kernels say themselves what to unroll and what is a vector.
file(GLOB RZ_WASM_KERNELS src/kern/wasm_*.c)
set_source_files_properties(${RZ_WASM_KERNELS} PROPERTIES COMPILE_OPTIONS "-Os;-fno-vectorize")

set(RZ_SIMD FLAGS -msimd128 KERNELS src/kern/wasm_simd128.c)
set(RZ_RELAXED FLAGS -msimd128 -mrelaxed-simd KERNELS src/kern/wasm_relaxed_shared.c src/kern/wasm_relaxed_u8.c
    src/kern/wasm_relaxed_s8.c src/kern/wasm_relaxed_sat.c)
rz_wasm(realizar-simd ${RZ_SIMD})
rz_wasm(realizar-simd-threads THREADS ${RZ_SIMD})
rz_wasm(realizar-relaxed ${RZ_RELAXED})
rz_wasm(realizar-relaxed-threads THREADS ${RZ_RELAXED})

# The kernel checks of tests/c as ES modules, for tests/js/kernels.test.mjs.
function(rz_wasm_check name)
  cmake_parse_arguments(V "" "" "FLAGS;KERNELS;TESTS" ${ARGN})
  set(sources ${RZ_SOURCES} src/unicode_forms.c src/kern/scalar.c)
  list(REMOVE_ITEM sources src/unicode_forms_wasm.c)
  list(TRANSFORM V_TESTS PREPEND tests/c/)
  add_executable(${name} EXCLUDE_FROM_ALL ${sources} ${V_KERNELS} ${V_TESTS} tests/c/kern_case.c)
  set_target_properties(${name} PROPERTIES SUFFIX ".mjs")
  target_compile_options(${name} PRIVATE ${RZ_FLAGS} ${V_FLAGS} ${RZ_FEATURES})
  target_link_options(${name} PRIVATE ${RZ_FEATURES} -sMODULARIZE -sEXPORT_ES6 -sENVIRONMENT=node,web,worker
    -sALLOW_MEMORY_GROWTH -sEXIT_RUNTIME -sSTACK_SIZE=1048576)
endfunction()
rz_wasm_check(check-simd ${RZ_SIMD} TESTS check_kern.c bench_kern.c)
rz_wasm_check(check-relaxed ${RZ_RELAXED} TESTS check_kern.c bench_kern.c)
rz_wasm_check(check-kv-simd ${RZ_SIMD} TESTS test_kv.c)
rz_wasm_check(check-kv-relaxed ${RZ_RELAXED} TESTS test_kv.c)
rz_wasm_check(check-types-simd ${RZ_SIMD} TESTS test_types_matmul.c types_case.c)
rz_wasm_check(check-types-relaxed ${RZ_RELAXED} TESTS test_types_matmul.c types_case.c)
