// What would keep a native add-on from loading, judged by its symbols: for platforms that cannot be tried here.
import { symbols as nodeApi } from 'node-api-headers';

const { js_native_api_symbols: engine, node_api_symbols: node } = nodeApi.v8;
/** Names of Node-API 8. */
export const NODE_API = new Set([...engine, ...node]);
const NEWEST_GLIBC = [2, 28];
/** The libraries that every system of the kind has. */
const SYSTEM = {
  glibc: /^(lib(c|m)\.so\.6|lib(pthread|dl|rt)\.so\.\d|ld-linux-(x86-64|aarch64)\.so\.\d)$/,
  musl: /^libc\.so$/,
  darwin: /^\/usr\/lib\/libSystem\.B\.dylib$/,
  win32: /^(node\.exe|kernel32\.dll|ntdll\.dll|api-ms-win-(crt|core)-[a-z0-9-]+\.dll)$/i,
};

function glibcProblem({ name, version }) {
  const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  if (major === undefined) return `${name} is in no library`;
  const newer = major - NEWEST_GLIBC[0] || minor - NEWEST_GLIBC[1];
  return newer > 0 ? `${name} needs glibc ${major}.${minor}, newer than ${NEWEST_GLIBC.join('.')}` : undefined;
}

/**
 * One sentence for each thing wrong with what `read-symbols.py` read from an add-on for `os` and `libc`; none when it needs
 * nothing but Node-API 8 and the C library.
 */
export function symbolProblems({ exports, imports, libraries, libc: muslNames, signed }, { os, cpu, libc }) {
  const kind = libc ?? os;
  const musl = new Set(muslNames);
  const problemOf = {
    glibc: glibcProblem,
    musl: ({ name }) => (musl.has(name) ? undefined : `${name} is in no library`),
    darwin: ({ name, library }) => (library === null ? `${name} is in no library` : undefined),
    win32: ({ name, library }) => (/^node\.exe$/i.test(library) ? `${name} is not of Node-API 8` : undefined),
  }[kind];
  // macOS on arm64 loads only signed code; an ad-hoc signature is enough.
  const unsigned = os === 'darwin' && cpu === 'arm64' && !signed;
  return [
    ...(unsigned ? ['it has no code signature'] : []),
    ...(exports.includes('napi_register_module_v1') ? [] : ['napi_register_module_v1 is not exported']),
    ...(imports.some(({ name }) => NODE_API.has(name)) ? [] : ['nothing of Node-API is imported']),
    ...libraries.filter((name) => !SYSTEM[kind].test(name)).map((name) => `${name} is not on every system`),
    ...imports
      .filter(({ name }) => !NODE_API.has(name))
      .map(problemOf)
      .filter((problem) => problem !== undefined),
  ];
}
