# Tests of the weight types: dequantisers, packed forms, kernels, quantisers, whole models.
target_sources(testkit PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/types_case.c)

rz_test(test_types_matmul kern_case.c)
rz_test(test_types_dequant)
rz_test(test_types_pack)
rz_test(test_types_quantize)
rz_test(test_types_model)
