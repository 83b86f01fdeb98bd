export { renderCsv } from './csv.js';
export { toJsonLine, toJsonPretty } from './json.js';
export { renderMarkdown } from './markdown.js';
export { plainLines, plainText, terminalText } from './plain-text.js';
export { formatBytes, formatDuration, formatRate } from './quantity.js';
export { createStyle, type Style } from './style.js';
export { type Column, renderFields, renderTable, truncate } from './table.js';
export { textWidth } from './text-width.js';
