import { create, type DescField, type DescMessage, type Message, type MessageShape } from '@bufbuild/protobuf';
import type { FieldMask } from '@bufbuild/protobuf/wkt';
import { RpcStatus } from './rpc-status.js';

/** The requested fields of a resource: everything, or some fields, each with its own mask. */
export class ReadMask {
  readonly #fields: Map<string, ReadMask> | 'everything';

  private constructor(fields: Map<string, ReadMask> | 'everything') {
    this.#fields = fields;
  }

  /** The mask that selects everything. */
  static readonly everything = new ReadMask('everything');

  /**
   * Parses the mask of a request.
   *
   * @param mask as sent; if absent, `fallback` applies; without paths, it selects nothing
   * @param fallback default paths of the method, comma-separated
   * @param schema message that the paths refer to; `undefined` accepts unknown paths silently, as two methods do
   * @throws RpcStatus INVALID_ARGUMENT for a path that is not in the schema
   */
  static parse(mask: FieldMask | undefined, fallback: string, schema: DescMessage | undefined): ReadMask {
    const paths = mask?.paths ?? fallback.split(',').filter((path) => path !== '');
    let root = new ReadMask(new Map());
    for (const path of paths) {
      if (schema !== undefined && !isPathOf(schema, path)) {
        throw RpcStatus.invalid('read_mask', `invalid read_mask path: ${path}`);
      }
      root = root.#with(path === '*' ? [] : path.split('.'));
    }
    return root;
  }

  #with(path: readonly string[]): ReadMask {
    const [head, ...rest] = path;
    if (this.#fields === 'everything' || head === undefined) return ReadMask.everything;
    const fields = new Map(this.#fields);
    fields.set(head, (fields.get(head) ?? new ReadMask(new Map())).#with(rest));
    return new ReadMask(fields);
  }

  /** The mask of one field; `undefined` if it was not requested. */
  child(field: string): ReadMask | undefined {
    return this.#fields === 'everything' ? this : this.#fields.get(field);
  }

  /** Whether any part of the field at a dotted path was requested. */
  has(path: string): boolean {
    return path.split('.').reduce<ReadMask | undefined>((mask, field) => mask?.child(field), this) !== undefined;
  }

  /** Whether the mask names a path below `field` explicitly, so that `field` alone does not count. */
  hasBelow(field: string, inner: string): boolean {
    if (this.#fields === 'everything') return true;
    const below = this.#fields.get(field);
    return below !== undefined && below.#fields !== 'everything' && below.#fields.has(inner);
  }

  /** A copy of `message` with only the requested fields. */
  prune<D extends DescMessage>(schema: D, message: MessageShape<D>): MessageShape<D> {
    if (this.#fields === 'everything') return message;
    const source = message as Record<string, unknown>;
    const pruned = create(schema) as Record<string, unknown>;
    for (const [name, mask] of this.#fields) {
      const field = schema.fields.find((each) => each.name === name);
      if (field === undefined) continue;
      if (field.oneof === undefined) {
        const value = source[field.localName];
        if (value !== undefined) pruned[field.localName] = mask.#pruneValue(field, value);
        continue;
      }
      const choice = source[field.oneof.localName] as { case?: string | undefined; value?: unknown | undefined };
      if (choice.case === field.localName) {
        pruned[field.oneof.localName] = { case: choice.case, value: mask.#pruneValue(field, choice.value) };
      }
    }
    return pruned as MessageShape<D>;
  }

  #pruneValue(field: DescField, value: unknown): unknown {
    if (field.fieldKind === 'message') return this.prune(field.message, value as Message);
    if (field.fieldKind === 'list' && field.listKind === 'message') {
      return (value as Message[]).map((each) => this.prune(field.message, each));
    }
    return value;
  }
}

/**
 * Whether `path` names fields of `schema`: snake_case names, through messages and lists of messages, but not into maps.
 */
function isPathOf(schema: DescMessage, path: string): boolean {
  if (path === '*') return true;
  let at: DescMessage | undefined = schema;
  for (const name of path.split('.')) {
    const field: DescField | undefined = at?.fields.find((each) => each.name === name);
    if (field === undefined) return false;
    const deeper: boolean =
      field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message');
    at = deeper ? (field as DescField & { message: DescMessage }).message : undefined;
  }
  return true;
}
