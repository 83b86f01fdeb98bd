// Writes the public surface of every entry of the package to api/*.api.md, so that reviews show every change of it.
// With --check writes nothing and exits with 1 when a report differs from the build.
// Usage: after npm run build, npm run api-report [-- --check]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import manifest from '../package.json' with { type: 'json' };

const root = resolve(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const work = mkdtempSync(join(tmpdir(), 'quarry-api-'));
const silent = { default: { logLevel: 'none' } };

const entries = Object.values(manifest.exports).map(({ types }) => join(root, types));
const nameOf = (entry) => (dirname(entry).endsWith(join('dist', 'src')) ? 'index' : basename(dirname(entry)));

function configOf(entry) {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: { module: 'nodenext', target: 'es2023', strict: true, types: ['node'], skipLibCheck: true },
          files: entries,
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${nameOf(entry)}.api.md`,
        reportFolder: join(root, 'api'),
        reportTempFolder: work,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
        compilerMessageReporting: { default: { logLevel: 'error' } },
      },
    },
    configObjectFullPath: join(root, 'api-extractor.json'),
    packageJsonFullPath: join(root, 'package.json'),
  });
}

let compilerState;
for (const entry of entries) {
  const config = configOf(entry);
  compilerState ??= CompilerState.create(config, { additionalEntryPoints: entries });
  const messageCallback = (message) => {
    message.handled = message.logLevel !== 'error';
  };
  const options = { compilerState, localBuild: !check, messageCallback };
  const { apiReportChanged, errorCount } = Extractor.invoke(config, options);
  const state = apiReportChanged ? (check ? 'CHANGED' : 'written') : 'current';
  console.log(`api/${nameOf(entry)}.api.md ${state}`);
  if (errorCount > 0 || (check && apiReportChanged)) process.exitCode = 1;
}
rmSync(work, { recursive: true });
if (process.exitCode === 1)
  console.error('the public surface is not what api/ says: npm run api-report, and read the difference');
