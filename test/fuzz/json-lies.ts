import fc from 'fast-check';
import { HOSTILE_NUMBERS, HOSTILE_TEXTS } from './hostile.js';

/** JSON as a tree whose leaves are text: numbers no parser can hold and names that appear twice among them. */
type Node = string | { items: Node[] } | { entries: [name: string, value: Node][] };
type Edit = (node: Node) => Node;

/** Values in the place of others. Not all of them are JSON. */
const VALUES: readonly string[] = [
  'null',
  'true',
  '{}',
  '[]',
  '-0',
  '-1',
  '0.5',
  '1e999',
  '-1e999',
  '1e-999',
  '01',
  'NaN',
  `${'9'.repeat(400)}`,
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`,
  '"\\ud800"',
  '"\\u0000"',
  ...HOSTILE_NUMBERS.map(String),
  ...HOSTILE_TEXTS.map((text) => JSON.stringify(text)),
];

function treeOf(value: unknown): Node {
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return { entries: Object.entries(value).map(([name, inner]) => [name, treeOf(inner)]) };
}

function textOf(node: Node): string {
  if (typeof node === 'string') return node;
  if ('items' in node) return `[${node.items.map(textOf).join(',')}]`;
  return `{${node.entries.map(([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`).join(',')}}`;
}

function sizeOf(node: Node): number {
  if (typeof node === 'string') return 1;
  const inner = 'items' in node ? node.items : node.entries.map(([, value]) => value);
  return inner.reduce((sum, each) => sum + sizeOf(each), 1);
}

/** The tree with the node at a place, counted from the root down, changed. */
function changeAt(node: Node, place: number, edit: Edit): Node {
  if (place === 0) return edit(node);
  if (typeof node === 'string') return node;
  let left = place - 1;
  const change = (inner: Node): Node => {
    const at = left;
    left -= sizeOf(inner);
    return at >= 0 && left < 0 ? changeAt(inner, at, edit) : inner;
  };
  if ('items' in node) return { items: node.items.map(change) };
  return { entries: node.entries.map(([name, value]) => [name, change(value)]) };
}

function ofMembers(change: <T>(members: readonly T[]) => T[]): Edit {
  return (node) => {
    if (typeof node === 'string') return node;
    return 'items' in node ? { items: change(node.items) } : { entries: change(node.entries) };
  };
}

const EDITS: readonly Edit[] = [
  ...VALUES.map((value) => () => value),
  ofMembers((members) => members.slice(1)),
  ofMembers((members) => members.slice(0, -1)),
  ofMembers((members) => [...members].reverse()),
  ofMembers((members) => [...members, ...members]),
  ofMembers((members) => Array(50).fill(members).flat()),
  (node) => ({ items: [node] }),
  (node) => ({ entries: [['__proto__', node]] }),
  ...['__proto__', 'constructor', '', '2', 'x'.repeat(5_000)].map(
    (name): Edit =>
      (node) =>
        typeof node === 'string' || 'items' in node
          ? node
          : { entries: node.entries.map(([, value]) => [name, value]) },
  ),
];

const changes = fc.array(fc.tuple(fc.nat(1_000), fc.constantFrom(...EDITS)), { minLength: 1, maxLength: 4 });

/** JSON of the shape of a value, with some of its parts replaced, repeated, renamed or left out. */
export function jsonLies(value: unknown): fc.Arbitrary<string> {
  const tree = treeOf(value);
  return changes.map((list) =>
    textOf(list.reduce((node, [place, edit]) => changeAt(node, place % sizeOf(node), edit), tree)),
  );
}
