import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';

/** Values for the fields of a message, by their kind. */
export interface Values {
  scalar(type: ScalarType): fc.Arbitrary<unknown>;
  /** Whether a field is ever set. */
  has(field: DescField): boolean;
}

const TEXT = fc.oneof({ weight: 9, arbitrary: fc.string() }, fc.string({ unit: 'grapheme' }));
const SIGNED = fc.oneof(fc.integer(), fc.integer({ min: -300, max: 300 }));
const UNSIGNED = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff }));
const SIGNED_LONG = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -300n, max: 70_000n }),
);
const UNSIGNED_LONG = fc.oneof(fc.bigInt({ min: 0n, max: 70_000n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));

/** Whatever the types allow. */
const ANY: Values = {
  has: () => true,
  scalar(type) {
    switch (type) {
      case ScalarType.STRING:
        return TEXT;
      case ScalarType.BYTES:
        return fc.uint8Array({ maxLength: 200 });
      case ScalarType.BOOL:
        return fc.boolean();
      case ScalarType.FLOAT:
        return fc.float();
      case ScalarType.DOUBLE:
        return fc.double();
      case ScalarType.INT32:
      case ScalarType.SINT32:
      case ScalarType.SFIXED32:
        return SIGNED;
      case ScalarType.UINT32:
      case ScalarType.FIXED32:
        return UNSIGNED;
      case ScalarType.INT64:
      case ScalarType.SINT64:
      case ScalarType.SFIXED64:
        return SIGNED_LONG;
      default:
        return UNSIGNED_LONG;
    }
  },
};

const numbersOf = (type: DescEnum): fc.Arbitrary<number> =>
  fc.constantFrom(...type.values.map(({ number }) => number), 99);

/** Values of a message type in a field, which are not always messages. */
function nestedOf(field: DescField, schema: DescMessage, depth: number, values: Values): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'message' && field.oneof === undefined && isWrapperDesc(schema))
    return values.scalar(schema.fields[0]!.scalar!);
  if (schema.typeName === 'google.protobuf.Struct' && field.parent.typeName !== 'google.protobuf.Value')
    return fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  return messageOf(schema, depth - 1, values);
}

/** Values of a field's type; undefined for messages deeper than they are made. */
function singleOf(field: DescField, depth: number, values: Values): fc.Arbitrary<unknown> | undefined {
  if (field.enum !== undefined) return numbersOf(field.enum);
  if (field.message !== undefined) return depth === 0 ? undefined : nestedOf(field, field.message, depth, values);
  const { scalar } = field;
  if (scalar === undefined) throw new Error(`no values of ${field}`);
  return 'longAsString' in field && field.longAsString ? values.scalar(scalar).map(String) : values.scalar(scalar);
}

function valuesOf(field: DescField, depth: number, values: Values): fc.Arbitrary<unknown> | undefined {
  const single = singleOf(field, depth, values);
  if (single === undefined) return undefined;
  if (field.fieldKind === 'list') return fc.array(single, { maxLength: field.listKind === 'message' ? 3 : 4 });
  if (field.fieldKind !== 'map') return single;
  return fc
    .array(fc.tuple(values.scalar(field.mapKey).map(String), single), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries));
}

/** Whatever `create` takes for messages of a type, with messages in it to a depth. */
export function messageOf(schema: DescMessage, depth: number, values = ANY): fc.Arbitrary<unknown> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  const members = new Map<string, fc.Arbitrary<unknown>[]>();
  for (const field of schema.fields) {
    const value = values.has(field) ? valuesOf(field, depth, values) : undefined;
    if (value === undefined) continue;
    if (field.oneof === undefined) {
      model[field.localName] = value;
      continue;
    }
    const { localName } = field.oneof;
    const chosen = value.map((each) => ({ case: field.localName, value: each }));
    members.set(localName, [...(members.get(localName) ?? []), chosen]);
  }
  for (const [localName, choices] of members) model[localName] = fc.oneof(...choices);
  return fc.record(model, { requiredKeys: [] });
}
