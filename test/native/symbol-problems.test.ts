import { expect, test } from 'vitest';

interface Symbols {
  readonly exports: readonly string[];
  readonly imports: readonly { name: string; version?: string | null; library?: string | null }[];
  readonly libraries: readonly string[];
  readonly libc?: readonly string[];
  readonly signed?: boolean;
}

const script = new URL('../../scripts/symbol-problems.mjs', import.meta.url).href;
const { symbolProblems } = (await import(script)) as {
  symbolProblems: (symbols: Symbols, platform: { os: string; cpu?: string; libc?: string }) => string[];
};

const exports = ['napi_register_module_v1'];
const promise = { name: 'napi_create_promise', version: null, library: null };
const glibc = { os: 'linux', libc: 'glibc' };
const musl = { os: 'linux', libc: 'musl' };
const darwin = { os: 'darwin' };
const win32 = { os: 'win32' };
const fromNode = { name: 'napi_create_promise', library: 'node.exe' };

test('an add-on that needs Node-API and the C library alone is fine on each platform', () => {
  const imports = [promise, { name: 'close', version: 'GLIBC_2.2.5' }, { name: 'pow', version: 'GLIBC_2.28' }];
  expect(symbolProblems({ exports, imports, libraries: ['libc.so.6', 'libm.so.6'] }, glibc)).toEqual([]);
  const onMusl = { exports, imports: [promise, { name: 'close' }], libraries: ['libc.so'], libc: ['close'] };
  expect(symbolProblems(onMusl, musl)).toEqual([]);
  const system = '/usr/lib/libSystem.B.dylib';
  const onDarwin = { exports, imports: [promise, { name: 'close', library: system }], libraries: [system] };
  expect(symbolProblems(onDarwin, darwin)).toEqual([]);
  const kernel = 'KERNEL32.dll';
  const onWindows = {
    exports,
    imports: [fromNode, { name: 'CreateFileW', library: kernel }],
    libraries: ['node.exe', kernel, 'api-ms-win-crt-runtime-l1-1-0.dll'],
  };
  expect(symbolProblems(onWindows, win32)).toEqual([]);
});

test('a glibc newer than 2.28 is too new', () => {
  const imports = [promise, { name: 'pthread_create', version: 'GLIBC_2.34' }];
  expect(symbolProblems({ exports, imports, libraries: [] }, glibc)).toEqual([
    'pthread_create needs glibc 2.34, newer than 2.28',
  ]);
});

test.each([
  ['glibc', glibc, '_ZSt4cout', null],
  ['glibc, from the C++ library', glibc, '_ZSt4cout', 'GLIBCXX_3.4'],
  ['musl', musl, '_ZSt4cout', null],
  ['darwin', darwin, '_ZSt4cout', null],
  ['a function of Node-API newer than version 8', glibc, 'node_api_create_property_key_utf16', null],
])('a symbol that nothing defines is named: %s', (_name, platform, name, version) => {
  const symbols = { exports, imports: [promise, { name, version, library: null }], libraries: [], libc: ['close'] };
  expect(symbolProblems(symbols, platform)).toEqual([`${name} is in no library`]);
});

test('a library that not every system has is named', () => {
  const symbols = { exports, imports: [promise], libraries: ['libstdc++.so.6', 'libc.so.6'] };
  expect(symbolProblems(symbols, glibc)).toEqual(['libstdc++.so.6 is not on every system']);
});

test('on Windows, what the system and node.exe export is fine', () => {
  const newer = { name: 'node_api_create_property_key_utf16', library: 'node.exe' };
  const libraries = ['node.exe', 'libstdc++-6.dll'];
  expect(symbolProblems({ exports, imports: [fromNode, newer], libraries }, win32)).toEqual([
    'libstdc++-6.dll is not on every system',
    'node_api_create_property_key_utf16 is not of Node-API 8',
  ]);
});

test('macOS on arm64 wants a signature', () => {
  const arm = { os: 'darwin', cpu: 'arm64' };
  const symbols = { exports, imports: [promise], libraries: [] };
  expect(symbolProblems({ ...symbols, signed: false }, arm)).toEqual(['it has no code signature']);
  expect(symbolProblems({ ...symbols, signed: true }, arm)).toEqual([]);
  expect(symbolProblems({ ...symbols, signed: false }, { ...arm, cpu: 'x64' })).toEqual([]);
});

test('an add-on without an entry, or without Node-API, is not one', () => {
  expect(symbolProblems({ exports: [], imports: [], libraries: [] }, glibc)).toEqual([
    'napi_register_module_v1 is not exported',
    'nothing of Node-API is imported',
  ]);
});
