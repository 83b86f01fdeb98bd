import { nearest } from '../../config/index.js';
import { QuarryError } from '../../errors/index.js';
import type { MinerSummary } from '../../miner/index.js';
import { STATUS_FIELDS } from './status-fields.js';

type FieldName = keyof typeof STATUS_FIELDS;

/**
 * Parses a template of the status line: text with field names in braces, such as `A {accepted} of {submitted}`. Double
 * braces are literal.
 *
 * @returns a function that fills in the template
 * @throws QuarryError `CONFIG_INVALID` for a name that is not one of {@link STATUS_FIELDS}, or an unmatched brace
 */
export function parseStatusFormat(template: string): (summary: MinerSummary) => string {
  const parts: ((summary: MinerSummary) => string)[] = [];
  for (const [token, name] of template.matchAll(/\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]/g)) {
    if (name !== undefined) parts.push(STATUS_FIELDS[fieldNamed(name.trim())]);
    else if (token === '{' || token === '}') {
      throw new QuarryError('CONFIG_INVALID', `--status-format: a unmatched "${token}"`, {
        hint: 'put field names in braces, as in "{accepted} accepted"; write {{ and }} for literal braces',
      });
    } else {
      const text = token === '{{' || token === '}}' ? token.charAt(0) : token;
      parts.push(() => text);
    }
  }
  return (summary) => parts.map((part) => part(summary)).join('');
}

function fieldNamed(name: string): FieldName {
  if (Object.hasOwn(STATUS_FIELDS, name)) return name as FieldName;
  const names = Object.keys(STATUS_FIELDS);
  const meant = nearest(name, names);
  throw new QuarryError('CONFIG_INVALID', `--status-format: unknown field "${name}"`, {
    hint: `${meant === undefined ? '' : `did you mean {${meant}}? `}fields are ${names.join(', ')}`,
  });
}
