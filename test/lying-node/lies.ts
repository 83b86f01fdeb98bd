import type { DescField, DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { LedgerService } from '../../src/gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../src/gen/soma/rpc/state_service_pb.js';
import { SubscriptionService } from '../../src/gen/soma/rpc/subscription_service_pb.js';
import { TransactionExecutionService } from '../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { type FieldKind, VALUE_LIES } from './value-lies.js';

export const SERVICES: readonly DescService[] = [
  LedgerService,
  StateService,
  SubscriptionService,
  TransactionExecutionService,
];

/** A field on the way from an answer to the value that is rewritten. */
export interface PathStep {
  readonly number: number;
  readonly name: string;
  /** Whether there may be many. */
  readonly repeated: boolean;
}

/** One untruth about one method's answers. */
export interface Lie {
  /** Unique, and enough to tell it again. */
  readonly name: string;
  /** `/soma.rpc.StateService/ListTargets` */
  readonly method: string;
  /** From the answer to the field; empty when the whole answer is replaced. */
  readonly path: readonly PathStep[];
  /** Key of VALUE_LIES for a field, of ANSWER_LIES for an answer. */
  readonly change: string;
  readonly kind: FieldKind | 'answer';
  /** Where the path goes through lists: whether the first element is rewritten, or every one. */
  readonly spread: 'first' | 'all';
}

/** What can be done to a whole answer; the proxy knows how. */
const ANSWER_LIES: readonly string[] = [
  ...Array.from({ length: 16 }, (_, index) => `status ${index + 1}`),
  'empty',
  'garbage',
  'half',
  '20 MiB of zeros',
  'twice over',
  '3 s late',
  'never',
  'an answer of before',
];

/** A field with the way to it. */
interface FieldPath {
  readonly path: readonly PathStep[];
  readonly kind: FieldKind;
}

/** Every lie about the answers of these methods, in a fixed order. */
export function allLies(called: ReadonlySet<string>): Lie[] {
  return SERVICES.flatMap((service) =>
    service.methods
      .map((method) => ({ method, name: methodPath(service, method) }))
      .filter(({ name }) => called.has(name))
      .flatMap(({ method, name }) => [...answerLies(name), ...fieldLies(name, method.output)]),
  );
}

/** `/package.Service/Method` */
export function methodPath(service: DescService, method: DescMethod): string {
  return `/${service.typeName}/${method.name}`;
}

function answerLies(method: string): Lie[] {
  return ANSWER_LIES.map((change) => {
    const name = `${shortName(method)}: ${change}`;
    return { name, method, path: [], change, kind: 'answer', spread: 'all' };
  });
}

function fieldLies(method: string, output: DescMessage): Lie[] {
  return fieldsOf(output, [], [output.typeName]).flatMap(({ path, kind }) => {
    const where = path.map((step) => step.name).join('.');
    const spreads = path.slice(0, -1).some((step) => step.repeated) ? (['first', 'all'] as const) : (['all'] as const);
    return Object.keys(VALUE_LIES[kind]).flatMap((change) =>
      spreads.map((spread): Lie => {
        const name = `${shortName(method)} ${where}: ${change}${spread === 'first' ? ', first only' : ''}`;
        return { name, method, path, change, kind, spread };
      }),
    );
  });
}

/** A message is entered once on a path, or trees would have no end. */
function fieldsOf(message: DescMessage, before: readonly PathStep[], entered: readonly string[]): FieldPath[] {
  return message.fields.flatMap((field) => {
    const repeated = field.fieldKind === 'list' || field.fieldKind === 'map';
    const path = [...before, { number: field.number, name: field.name, repeated }];
    const own = { path, kind: kindOf(field) };
    const inner = field.message;
    if (inner === undefined || entered.includes(inner.typeName)) return [own];
    // A map is a list of messages with a key, 1, and a value, 2.
    const inside = field.fieldKind === 'map' ? [...path, { number: 2, name: 'value', repeated: false }] : path;
    return [own, ...fieldsOf(inner, inside, [...entered, inner.typeName])];
  });
}

const KIND_OF_SCALAR: Readonly<Partial<Record<ScalarType, FieldKind>>> = {
  [ScalarType.STRING]: 'text',
  [ScalarType.BYTES]: 'bytes',
  [ScalarType.FLOAT]: 'float',
  [ScalarType.DOUBLE]: 'double',
};

function kindOf(field: DescField): FieldKind {
  if (field.message !== undefined) return 'message';
  const kind = (field.scalar === undefined ? undefined : KIND_OF_SCALAR[field.scalar]) ?? 'integer';
  return field.fieldKind === 'list' && kind === 'float' ? 'floats' : kind;
}

function shortName(method: string): string {
  return method.slice(method.lastIndexOf('/') + 1);
}
