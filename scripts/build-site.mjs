// Builds the documentation as a site in site/, ignored by git: every page of docs/, the API of every entry from its
// docstrings, and a search over both. Exits with 1 on any warning, on an export without a docstring and on a
// broken link. Usage: node scripts/build-site.mjs
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import manifest from '../package.json' with { type: 'json' };

const GROUPS = {
  Guides: [
    'first-run',
    'testnet',
    'storage',
    'gpu',
    'operating',
    'upgrading',
    'fleet',
    'agents',
    'migrating',
    'mining',
  ],
  Networks: ['soma-client', 'flock', 'aitbc', 'devnet'],
  Reference: ['commands', 'settings', 'errors', 'glossary', 'store', 'benchmarks', 'ARCHITECTURE'],
};

const root = resolve(import.meta.dirname, '..');
const site = join(root, 'site');

/** TypeDoc needs the compiler's JavaScript API, which TypeScript 7 lacks: it gets the TypeScript 6 of api-extractor. */
function lendCompiler() {
  const require = createRequire(join(root, 'node_modules/@microsoft/api-extractor/package.json'));
  const url = JSON.stringify(pathToFileURL(require.resolve('typescript')).href);
  const hook = `export const resolve = (name, context, next) =>
    name === 'typescript' ? { url: ${url}, shortCircuit: true } : next(name, context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

async function typedoc() {
  lendCompiler();
  const { Application, Converter } = await import('typedoc');
  const app = await Application.bootstrap({
    name: 'Quarry',
    readme: join(root, 'README.md'),
    tsconfig: join(root, 'tsconfig.json'),
    // The project's own compiler has checked the sources.
    skipErrorChecking: true,
    compilerOptions: { incremental: false },
    entryPoints: Object.values(manifest.exports).map(({ types }) =>
      join(root, types.replace('./dist/', '').replace('.d.ts', '.ts')),
    ),
    projectDocuments: [join(root, 'docs', '*.md')],
    basePath: root,
    disableGit: true,
    sourceLinkTemplate: '{path}:{line}',
    excludePrivate: true,
    excludeInternal: true,
    groupOrder: [...Object.keys(GROUPS), '*'],
    navigation: { includeGroups: true },
    highlightLanguages: ['bash', 'console', 'css', 'html', 'ini', 'js', 'json', 'jsonc', 'sh', 'ts', 'yaml'],
    blockTags: [
      '@defaultValue',
      '@deprecated',
      '@example',
      '@generated',
      '@param',
      '@returns',
      '@see',
      '@throws',
      '@typeParam',
    ],
    requiredToBeDocumented: ['Class', 'Enum', 'Function', 'Interface', 'TypeAlias', 'Variable'],
    validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: true },
    treatWarningsAsErrors: true,
  });
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, page) => place(page));
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const entry of project.children ?? []) {
      if (entry.name.startsWith('src')) entry.name = entry.name.replace(/^src/, manifest.name);
    }
  });
  // The site says where something is defined; it does not contain the sources.
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const { sources } of Object.values(project.reflections)) for (const source of sources ?? []) delete source.url;
  });
  return app;
}

/** Titles each page by its heading and puts it in its group. */
function place(page) {
  const file = page.name.replace(/^.*\//, '');
  const group = Object.keys(GROUPS).find((name) => GROUPS[name].includes(file));
  if (group === undefined) throw new Error(`docs/${file}.md is in no group of scripts/build-site.mjs`);
  page.frontmatter.group = group;
  const [first] = page.content;
  const [, title] = /^# (.+)\n/.exec(first.text);
  page.name = title;
  first.text = first.text.replace(/^# .+\n/, '');
}

/** Links within the site to a page or an anchor that does not exist. */
function brokenLinks() {
  const pages = new Map(
    readdirSync(site, { recursive: true })
      .filter((name) => name.endsWith('.html'))
      .map((name) => [join(site, name), readFileSync(join(site, name), 'utf8')]),
  );
  const files = new Set(readdirSync(site, { recursive: true }).map((name) => join(site, name)));
  const places = new Map(
    [...pages].map(([page, html]) => [page, new Set([...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))]),
  );
  const broken = [];
  for (const [page, html] of pages) {
    for (const [, link] of html.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
      if (/^[a-z]+:/i.test(link) || link === '#') continue;
      const [path, place] = link.replaceAll('&amp;', '&').split('#').map(decodeURIComponent);
      const target = path === '' ? page : resolve(dirname(page), path);
      if (files.has(target) && (place === undefined || !places.has(target) || places.get(target).has(place))) continue;
      broken.push(`${relative(site, page)}: ${link} leads nowhere`);
    }
  }
  return { pages: pages.size, broken };
}

rmSync(site, { recursive: true, force: true });
const app = await typedoc();
const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
await app.generateDocs(project, site);
const { pages, broken } = brokenLinks();
for (const line of broken) console.error(line);
console.log(`site: ${pages} pages in site/, ${broken.length} broken links`);
if (broken.length > 0 || app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
