import { QuarryError } from '../errors/index.js';
import { loadAddon } from './addon.js';
import { ISA_LEVELS, type IsaLevel } from './isa-level.js';

/** Bit of each level in the core's masks (`native/core/cpu.h`). */
const ISA_BITS = {
  serial: 1,
  neon: 2,
  neonbf16: 32,
  avx2: 4,
  avx512: 8,
  avx512bf16: 16,
} as const satisfies Record<IsaLevel, number>;

/** Capabilities of the native core on this machine, or why it is unavailable. */
export type NativeCapabilities =
  | {
      readonly available: true;
      /** Levels compiled into the binary, as a mask of `ISA_BITS` and by name. */
      readonly compiledMask: number;
      readonly compiled: readonly IsaLevel[];
      /** Compiled levels that this processor supports. */
      readonly usableMask: number;
      readonly usable: readonly IsaLevel[];
      readonly best: IsaLevel;
      /** Whether the best level multiplies bf16 in hardware. */
      readonly nativeBf16: boolean;
      /** Logical processors available to this process. */
      readonly cpus: number;
    }
  | { readonly available: false; readonly reason: string; readonly hint: string | undefined };

function namesOf(mask: number): IsaLevel[] {
  return ISA_LEVELS.filter((level) => (mask & ISA_BITS[level]) !== 0);
}

/** Capabilities of the native core on this machine. Never throws; a missing core is reported in the result. */
export function nativeCapabilities(): NativeCapabilities {
  try {
    const { compiled, usable, best, cpus } = loadAddon().capabilities();
    return {
      available: true,
      compiledMask: compiled,
      compiled: namesOf(compiled),
      usableMask: usable,
      usable: namesOf(usable),
      best,
      nativeBf16: multipliesBf16(best),
      cpus,
    };
  } catch (error) {
    if (!(error instanceof QuarryError)) throw error;
    return { available: false, reason: error.message, hint: error.hint };
  }
}

/** Whether a level multiplies bf16 in hardware. Other levels expand it to f32, which costs more than it saves. */
export function multipliesBf16(isa: IsaLevel): boolean {
  return isa === 'avx512bf16' || isa === 'neonbf16';
}

/**
 * Returns the requested level, or the best.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when processor or build lack the requested level
 */
export function chooseIsa(asked: IsaLevel | undefined, usableMask: number, best: IsaLevel): IsaLevel {
  if (asked === undefined) return best;
  if ((usableMask & ISA_BITS[asked]) === 0) {
    throw new QuarryError('ENGINE_UNAVAILABLE', `instruction set "${asked}" is not available here`, {
      hint: `Choose one of ${namesOf(usableMask).join(', ')}, or omit it to use the best.`,
      details: { asked, best },
    });
  }
  return asked;
}
