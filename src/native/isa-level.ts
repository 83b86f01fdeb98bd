/** Instruction-set levels of the native core, lowest first. */
export const ISA_LEVELS = ['serial', 'neon', 'neonbf16', 'avx2', 'avx512', 'avx512bf16'] as const;
/** An instruction-set level that the native core has kernels for. */
export type IsaLevel = (typeof ISA_LEVELS)[number];
