#!/usr/bin/env node
// In the syntax of any Node, so that one that is too old is told so instead of failing at a word it does not know.
var manifest = require('../package.json');

var floor = /(\d+)\.(\d+)/.exec(manifest.engines.node);
var here = process.versions.node.split('.');
var tooOld = Number(here[0]) < Number(floor[1]) || (here[0] === floor[1] && Number(here[1]) < Number(floor[2]));
var args = process.argv.slice(2);

if (tooOld) {
  process.stderr.write(
    'error: quarry needs Node ' +
      manifest.engines.node.slice(2) +
      ' or newer, and this is ' +
      process.versions.node +
      '\n',
  );
  process.exit(3);
} else if (args.length === 1 && (args[0] === '--version' || args[0] === '-V' || args[0] === '-v')) {
  process.stdout.on('error', (error) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`error: writing to standard output failed: ${error.message}\nhint: free some space\n`);
    process.exitCode = 1;
  });
  process.stdout.write(`${manifest.version}\n`);
} else {
  require('./start.js');
}
