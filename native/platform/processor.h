#pragma once
// What only the operating system knows of the processor.

namespace quarry {

/// Processors this process may run on.
unsigned usable_processors();

/// FEAT_BF16 and the AES instructions of ARM: Graviton 3 and later, Apple M2 and later; nearly all. False on other processors.
bool arm_has_bf16();
bool arm_has_aes();

}  // namespace quarry
