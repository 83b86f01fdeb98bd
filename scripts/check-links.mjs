// Checks the relative links of every Markdown file: the file must exist, and the heading behind a #. URLs are not fetched.
// Exits with 1 on a broken link. Usage: node scripts/check-links.mjs
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' });
const files = listed
  .trim()
  .split('\n')
  .filter((file) => !file.startsWith('api/') && existsSync(join(root, file)));

/** Fenced code is not prose. */
const textOf = (file) => readFileSync(file, 'utf8').replace(/^ *(```|~~~)[\s\S]*?^ *\1/gm, '');

/** The anchors of a file's headings, as GitHub makes them. */
function anchorsOf(file) {
  const seen = new Map();
  return new Set(
    [...textOf(file).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => {
      const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const slug = words
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-');
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}

let links = 0;
let broken = 0;
for (const file of files) {
  for (const [, target] of textOf(join(root, file))
    .replace(/`[^`\n]*`/g, '')
    .matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/i.test(target)) continue;
    links++;
    const [path, anchor] = target.split('#');
    const named = path === '' ? join(root, file) : resolve(root, dirname(file), decodeURI(path));
    const found = existsSync(named) && !relative(root, named).startsWith('..');
    if (found && (anchor === undefined || !named.endsWith('.md') || anchorsOf(named).has(anchor))) continue;
    broken++;
    console.error(`${file}: ${target} leads nowhere`);
  }
}
console.log(`links: ${links} in ${files.length} files, ${broken} broken`);
process.exitCode = broken > 0 ? 1 : 0;
