const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const main = join(__dirname, '..', 'dist', 'src', 'cli', 'main.js');
if (existsSync(main)) {
  import(pathToFileURL(main).href).then(({ runCli }) => runCli(process));
} else {
  process.stderr.write('error: quarry is not built yet\nhint: run: npm run build\n');
  process.exitCode = 1;
}
