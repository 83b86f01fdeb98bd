import type { Lie, PathStep } from './lies.js';
import { VALUE_LIES, type ValueLie } from './value-lies.js';
import { joinMessage, splitMessage, type WireField } from './wire.js';

/** An answer with one field rewritten. Messages on the way that are absent are made. */
export function rewriteField(answer: Uint8Array, lie: Lie): Uint8Array {
  const change = lie.kind === 'answer' ? undefined : VALUE_LIES[lie.kind][lie.change];
  if (change === undefined) throw new Error(`no such lie: ${lie.name}`);
  return rewrite(answer, lie.path, change, lie.spread);
}

function rewrite(
  message: Uint8Array,
  [step, ...rest]: readonly PathStep[],
  change: ValueLie,
  spread: Lie['spread'],
): Uint8Array {
  if (step === undefined) return message;
  const fields = splitMessage(message);
  const honest = fields.filter(({ number }) => number === step.number);
  const told = rest.length === 0 ? change(honest, step.number) : descend(honest, step, rest, change, spread);
  const at = fields.findIndex(({ number }) => number === step.number);
  const others = fields.filter(({ number }) => number !== step.number);
  others.splice(at < 0 ? others.length : at, 0, ...told);
  return joinMessage(others);
}

function descend(
  honest: readonly WireField[],
  step: PathStep,
  rest: readonly PathStep[],
  change: ValueLie,
  spread: Lie['spread'],
): WireField[] {
  const messages = honest.length > 0 ? honest : [{ number: step.number, type: 2, value: new Uint8Array(0) }];
  return messages.map((field, index) => {
    if (spread === 'first' && index > 0) return field;
    return { ...field, value: rewrite(field.value, rest, change, spread) };
  });
}

/** Whether an honest answer has what a path leads to. */
export function hasField(message: Uint8Array, [step, ...rest]: readonly PathStep[]): boolean {
  if (step === undefined) return true;
  const found = splitMessage(message).filter(({ number }) => number === step.number);
  return found.some(({ value }) => rest.length === 0 || hasField(value, rest));
}
