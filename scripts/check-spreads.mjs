// Refuses object literals in which a default stands before a spread that may undo it: `{ timeoutMs: 120_000, ...options }`
// loses the default where `options.timeoutMs` is there and undefined, as options may be in this project. The default goes
// last: `{ ...options, timeoutMs: options.timeoutMs ?? 120_000 }`.
import { createRequire } from 'node:module';
import { relative } from 'node:path';

const require = createRequire(import.meta.url);
// This project's compiler has no API; the one of api-extractor does.
const ts = createRequire(require.resolve('@microsoft/api-extractor/package.json'))('typescript');

const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
const program = ts.createProgram(fileNames, options);
const checker = program.getTypeChecker();
let faults = 0;

/** Whether a property's type includes undefined; one that is merely optional undoes nothing. */
const mayBeUndefined = (property) =>
  property.declarations?.some(({ type }) => type !== undefined && /\bundefined\b/.test(type.getText())) ?? false;

function look(file, node) {
  if (ts.isObjectLiteralExpression(node)) lookAtLiteral(file, node);
  ts.forEachChild(node, (child) => look(file, child));
}

function lookAtLiteral(file, literal) {
  const given = new Set();
  for (const part of literal.properties) {
    if (!ts.isSpreadAssignment(part)) {
      if (part.name !== undefined) given.add(part.name.getText().replaceAll(/['"]/g, ''));
      continue;
    }
    const type = checker.getNonNullableType(checker.getTypeAtLocation(part.expression));
    for (const property of checker.getPropertiesOfType(type)) {
      if (!mayBeUndefined(property)) given.add(property.name);
      else if (given.has(property.name)) report(file, part, property.name);
    }
  }
}

function report(file, part, name) {
  faults++;
  const { line } = file.getLineAndCharacterOfPosition(part.getStart());
  console.error(`${relative('.', file.fileName)}:${line + 1}: ${part.getText()} may undo the default of ${name}`);
}

for (const file of program.getSourceFiles()) {
  if (!file.isDeclarationFile && !/node_modules|\/src\/gen\//.test(file.fileName)) look(file, file);
}
console.log(`defaults before spreads: ${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
