import { multipliesBf16, nativeCapabilities } from './capabilities.js';
import { ISA_LEVELS, type IsaLevel } from './isa-level.js';

/** Whether a level of the native core is available. */
export interface IsaLevelProbe {
  readonly name: IsaLevel;
  readonly available: boolean;
  /** The instructions it uses, or why it is unavailable. */
  readonly detail: string;
}

/** Instructions that each level requires. */
const INSTRUCTIONS: Readonly<Record<IsaLevel, string>> = {
  serial: 'any processor',
  neon: '64-bit ARM',
  neonbf16: '64-bit ARM with BF16',
  avx2: 'AVX2, FMA',
  avx512: 'AVX-512 F, BW, VL, DQ',
  avx512bf16: 'AVX-512 with BF16',
};

/** All levels of the native core, lowest first, with the reason if one is unavailable. Empty without the core. */
export function isaLevels(): IsaLevelProbe[] {
  const capabilities = nativeCapabilities();
  if (!capabilities.available) return [];
  return ISA_LEVELS.map((name) => {
    const needs = INSTRUCTIONS[name];
    if (!capabilities.compiled.includes(name))
      return { name, available: false, detail: `for ${needs}, not built here` };
    if (!capabilities.usable.includes(name)) {
      return { name, available: false, detail: `this processor or system lacks ${needs}` };
    }
    const products = multipliesBf16(name) ? 'multiplies bf16' : 'multiplies f32';
    return {
      name,
      available: true,
      detail: `${needs}, ${products}${name === capabilities.best ? ', the best here' : ''}`,
    };
  });
}
