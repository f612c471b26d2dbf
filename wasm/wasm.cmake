# The WebAssembly variants: fixed-width and relaxed SIMD, each with and without threads.
#   emcmake cmake -B build/wasm -G Ninja && cmake --build build/wasm
# Every module is a reactor that imports its memory and one growth notice, and exports exports.txt.

list(APPEND RZ_SOURCES src/pool_wasm.c wasm/abi.c)
file(STRINGS wasm/exports.txt RZ_EXPORTS)
list(TRANSFORM RZ_EXPORTS PREPEND "_")
string(JOIN "," RZ_EXPORT_LIST ${RZ_EXPORTS})

# Code that does not decide how fast a model runs: the scalar reference, dequantisation of single rows,
# and what is done once per model or tensor.
set_source_files_properties(src/kern/scalar.c src/dtype.c src/arch.c src/bind.c src/gguf.c src/hf_config.c
                            src/hf_files.c src/hf_meta.c src/hf_names.c src/model.c src/safetensors.c
                            PROPERTIES COMPILE_OPTIONS -Os)

function(rz_wasm name)
  cmake_parse_arguments(V "THREADS" "" "FLAGS;KERNELS" ${ARGN})
  add_executable(${name} ${RZ_SOURCES} ${V_KERNELS})
  set_target_properties(${name} PROPERTIES SUFFIX ".wasm")
  target_compile_options(${name} PRIVATE ${RZ_FLAGS} ${V_FLAGS} -fvisibility=hidden)
  target_link_options(${name} PRIVATE
    -O3 --no-entry -sSTANDALONE_WASM -sIMPORTED_MEMORY -sALLOW_MEMORY_GROWTH
    -sINITIAL_MEMORY=1048576 -sMAXIMUM_MEMORY=4294967296 -sSTACK_SIZE=131072
    -sMALLOC=emmalloc -sFILESYSTEM=0 -sEXPORTED_FUNCTIONS=${RZ_EXPORT_LIST}
    -Wl,--export=__stack_pointer)
  if(V_THREADS)
    target_compile_options(${name} PRIVATE -matomics -mbulk-memory)
    target_link_options(${name} PRIVATE -matomics -mbulk-memory -Wl,--shared-memory)
  endif()
endfunction()

set(RZ_SIMD FLAGS -msimd128 KERNELS src/kern/wasm_simd128.c)
set(RZ_RELAXED FLAGS -msimd128 -mrelaxed-simd KERNELS src/kern/wasm_relaxed_u8.c
    src/kern/wasm_relaxed_s8.c src/kern/wasm_relaxed_sat.c)
rz_wasm(realizar-simd ${RZ_SIMD})
rz_wasm(realizar-simd-threads THREADS ${RZ_SIMD})
rz_wasm(realizar-relaxed ${RZ_RELAXED})
rz_wasm(realizar-relaxed-threads THREADS ${RZ_RELAXED})
