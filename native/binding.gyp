# The native core. One static library per instruction-set level, because gyp has no per-file flags; the add-on itself is
# compiled for the baseline and picks a level at run time. To add a kernel: put its source under the level it needs.
{
  'variables': {
    'serial_sources': [
      'kernels/kernels_serial.cc',
      'distance/distance_serial.cc',
      'compose/compose_serial.cc',
      'hash/blake2b_serial.cc',
    ],
    'neon_sources': [
      'kernels/kernels_neon.cc',
      'distance/distance_neon.cc',
      'compose/compose_neon.cc',
    ],
    'avx2_sources': [
      'kernels/kernels_avx2.cc',
      'distance/distance_avx2.cc',
      'compose/compose_avx2.cc',
      'hash/blake2b_avx2.cc',
    ],
    'avx512_sources': [
      'kernels/kernels_avx512.cc',
      'distance/distance_avx512.cc',
      'compose/compose_avx512.cc',
      'hash/blake2b_avx512.cc',
    ],
    'avx512bf16_sources': [
      'kernels/kernels_avx512bf16.cc',
      'distance/distance_avx512bf16.cc',
    ],
    'core_sources': [
      'binding/module.cc',
      'binding/async_job.cc',
      'binding/compose_binding.cc',
      'binding/core_binding.cc',
      'binding/distance_binding.cc',
      'binding/hash_binding.cc',
      'binding/kernel_binding.cc',
      'binding/model_binding.cc',
      'binding/weights_binding.cc',
      'compose/compose_dispatch.cc',
      'compose/products.cc',
      'compose/row_pool.cc',
      'compose/search.cc',
      'core/cpu.cc',
      'core/file_writer.cc',
      'core/thread_pool.cc',
      'distance/distance_dispatch.cc',
      'distance/mapped_file.cc',
      'distance/scan.cc',
      'hash/blake2b.cc',
      'hash/checked_cipher.cc',
      'core/probe.cc',
      'kernels/dispatch.cc',
      'forward/noise.cc',
      'forward/rope_tables.cc',
      'forward/packed_weights.cc',
      'forward/weights_packer.cc',
      'forward/weights_stream.cc',
      'forward/forward.cc',
      'forward/model.cc',
    ],
  },
  'target_defaults': {
    'include_dirs': ['.'],
    'cflags': ['-O3', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Wno-psabi',
               '-Wno-ignored-attributes', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math'],
    'cflags_cc!': ['-std=gnu++17', '-fno-exceptions', '-fno-rtti'],
    'cflags_cc': ['-std=gnu++20', '-fexceptions'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'gnu++20',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
      'GCC_OPTIMIZATION_LEVEL': '3',
      'OTHER_CFLAGS': ['-ffp-contract=fast', '-fno-math-errno'],
      'MACOSX_DEPLOYMENT_TARGET': '12.0',
    },
  },
  'targets': [
    {
      'target_name': 'isa_serial',
      'type': 'static_library',
      'sources': ['<@(serial_sources)'],
    },
    {
      'target_name': 'quarry',
      'type': 'loadable_module',
      'sources': ['<@(core_sources)'],
      'defines': ['NAPI_VERSION=8'],
      'dependencies': ['isa_serial'],
      'libraries': ['-pthread'],
      'conditions': [
        ['target_arch=="x64"', {
          'defines': ['QUARRY_X86=1'],
          'dependencies': ['isa_avx2', 'isa_avx512', 'isa_avx512bf16'],
        }],
        ['target_arch=="arm64"', {
          'defines': ['QUARRY_ARM64=1'],
          'dependencies': ['isa_neon'],
        }],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'isa_avx2',
          'type': 'static_library',
          'sources': ['<@(avx2_sources)'],
          'cflags': ['-mavx2', '-mfma', '-mf16c', '-mbmi2', '-maes', '-mtune=znver3'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx2', '-mfma', '-mf16c', '-mbmi2', '-maes']},
        },
        {
          'target_name': 'isa_avx512',
          'type': 'static_library',
          'sources': ['<@(avx512_sources)'],
          'cflags': ['-mavx2', '-mfma', '-mf16c', '-mbmi2', '-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq',
                     '-maes', '-mvaes', '-mprefer-vector-width=512'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mfma',
                                              '-maes', '-mvaes']},
        },
        {
          'target_name': 'isa_avx512bf16',
          'type': 'static_library',
          'sources': ['<@(avx512bf16_sources)'],
          'cflags': ['-mavx2', '-mfma', '-mf16c', '-mbmi2', '-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq',
                     '-mavx512bf16', '-mprefer-vector-width=512'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx512bf16',
                                              '-mfma']},
        },
      ],
    }],
    ['target_arch=="arm64"', {
      'targets': [
        {
          'target_name': 'isa_neon',
          'type': 'static_library',
          'sources': ['<@(neon_sources)'],
        },
      ],
    }],
  ],
}
