#pragma once
// Instruction-set levels: what was compiled, what this processor runs, and which level a call uses.
//
// A level is one translation unit compiled with its own flags. Kernel translation units must not instantiate inline
// templates of the standard library: the linker keeps one copy of those for the whole add-on, and it could be the copy
// compiled for a processor this is not.
#include <cstdint>

namespace quarry {

/// One bit each, so that a set of levels is a mask JavaScript can read.
enum class Isa : uint32_t {
  kSerial = 1,
  kNeon = 2,
  kAvx2 = 4,
  kAvx512 = 8,
  kAvx512Bf16 = 16,
  kNeonBf16 = 32,
};

/// Levels compiled into this binary.
uint32_t compiled_isa_mask();

/// Compiled levels this processor and operating system can run. Serial is always among them.
uint32_t usable_isa_mask();

/// The highest usable level.
Isa best_isa();

/// The level's name: serial, neon, neonbf16, avx2, avx512, avx512bf16.
const char* isa_name(Isa isa);

/// The level of a name; false when there is no such name. Does not say whether it is usable.
bool isa_from_name(const char* name, Isa* out);

/// AES instructions on 128-bit registers, and on the wide ones, which only x86 has.
bool has_aes();
bool has_vaes();

}  // namespace quarry
