/** One line of a panel. */
interface Line {
  readonly name: string;
  readonly corpus: string;
  readonly field: 'single' | 'composed16';
  readonly colour: string;
  readonly dash: string;
}

const LINES: readonly Line[] = [
  { name: 'files, single', corpus: 'corpus', field: 'single', colour: '#b45309', dash: '5 4' },
  { name: 'files, composed', corpus: 'corpus', field: 'composed16', colour: '#b45309', dash: '' },
  { name: 'synthetic, single', corpus: 'synthetic', field: 'single', colour: '#1d4ed8', dash: '5 4' },
  { name: 'synthetic, composed', corpus: 'synthetic', field: 'composed16', colour: '#1d4ed8', dash: '' },
  { name: 'both, composed', corpus: 'both', field: 'composed16', colour: '#15803d', dash: '' },
];
const TITLES: Readonly<Record<string, string>> = {
  medium: 'random weights',
  'medium-trained': 'one trained model',
  'three-medium-trained': 'three trained models',
  'v1-two-layers': 'V1, two layers',
};
/** The network's hardest threshold at its width, as z. */
const HARDEST = 2.27;
const [WIDTH, HEIGHT, LEFT, TOP, GAP, LEGEND] = [250, 200, 46, 44, 62, 168];

/** Results of the bench as an SVG: a panel for each kind of model, the share reached over the rows that were scored. */
export function reachPlot(results: readonly Record<string, unknown>[]): string {
  const shown = results.filter((row) => row['z'] === HARDEST && row['order'] !== 'spread');
  const configs = [...new Set(shown.map((row) => String(row['config'])))];
  const width = LEFT + Math.max(configs.length * (WIDTH + GAP), LINES.length * LEGEND);
  const height = TOP + HEIGHT + 76;
  const panels = configs.map((config, i) => panel(config, LEFT + i * (WIDTH + GAP), shown));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    `  font-family="sans-serif" font-size="12" fill="#334155" role="img">`,
    `<title>Share of random targets reached at z = ${HARDEST}, by chunks scored</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    ...LINES.map((line, i) => legend(line, LEFT + i * LEGEND, TOP + HEIGHT + 58)),
    '</svg>',
    '',
  ].join('\n');
}

function panel(config: string, left: number, results: readonly Record<string, unknown>[]): string {
  const own = results.filter((row) => row['config'] === config);
  const counts = [...new Set(own.map((row) => Number(row['rows'])))].sort((a, b) => a - b);
  const [first, last] = [Math.log(counts[0] ?? 1), Math.log(counts.at(-1) ?? 1)];
  const x = (rows: number): number => left + (last > first ? (Math.log(rows) - first) / (last - first) : 0.5) * WIDTH;
  const y = (share: number): number => TOP + (1 - share) * HEIGHT;
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<path d="M${left} ${y(share)}h${WIDTH}" stroke="#e2e8f0"/>` +
      `<text x="${left - 6}" y="${y(share) + 4}" text-anchor="end">${100 * share} %</text>`,
  );
  const ticks = [30, 100, 300, 1000, 3000]
    .filter((rows) => rows >= (counts[0] ?? 0) && rows <= (counts.at(-1) ?? 0))
    .map((rows) => `<text x="${x(rows)}" y="${TOP + HEIGHT + 16}" text-anchor="middle">${rows}</text>`);
  const lines = LINES.map(({ corpus, field, colour, dash }) => {
    const points = own
      .filter((row) => row['corpus'] === corpus)
      .map((row) => `${x(Number(row['rows'])).toFixed(1)},${y(Number(row[field])).toFixed(1)}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`;
  });
  return [
    `<text x="${left + WIDTH / 2}" y="24" text-anchor="middle" font-weight="bold">${TITLES[config] ?? config}</text>`,
    ...grid,
    ...ticks,
    `<text x="${left + WIDTH / 2}" y="${TOP + HEIGHT + 34}" text-anchor="middle">chunks scored</text>`,
    ...lines,
  ].join('\n');
}

function legend({ name, colour, dash }: Line, left: number, top: number): string {
  return (
    `<path d="M${left} ${top - 4}h28" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>` +
    `<text x="${left + 34}" y="${top}">${name}</text>`
  );
}
