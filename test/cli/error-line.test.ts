import { expect, it } from 'vitest';
import { errorLine } from '../../src/cli/error-line.js';
import { QuarryError } from '../../src/errors/index.js';

it('takes passwords out of each text of an error, and nothing from one text to the next', () => {
  const details = { url: 'https://host', alias: 'me@home', proxy: 'http://me:hunter@2@host:1', bytes: 7n };
  const error = new QuarryError('NOT_FOUND', 'nothing at https://me:hunter@2@host', { details });
  expect(JSON.parse(errorLine(error, 'ask me@home'))).toEqual({
    error: {
      ...JSON.parse(JSON.stringify({ ...error.toJSON(), details: undefined })),
      message: 'nothing at https://host',
      hint: 'ask me@home',
      details: { url: 'https://host', alias: 'me@home', proxy: 'http://host:1', bytes: '7' },
    },
  });
});
