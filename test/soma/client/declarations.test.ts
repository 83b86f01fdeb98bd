import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ClientCalls } from '../../../src/soma/client/calls.js';
import { SomaClient } from '../../../src/soma/index.js';

/** Members with their docstrings in the built declarations. */
async function documented(file: string): Promise<Set<string>> {
  const text = await readFile(new URL(`../../../dist/src/soma/client/${file}.d.ts`, import.meta.url), 'utf8');
  return new Set([...text.matchAll(/\*\/\n\s+(?:readonly |static |get )*(\w+)/g)].map(([, name]) => name!));
}

test('every method of a client has its docstring in the published declarations', async () => {
  const declared = new Set([...(await documented('calls')), ...(await documented('soma-client'))]);
  const methods = [ClientCalls, SomaClient].flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype));
  expect(methods).toContain('getTarget');
  expect(methods).toContain('listTargets');
  expect(methods.filter((name) => name !== 'constructor' && !declared.has(name))).toEqual([]);
});
