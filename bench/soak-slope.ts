/** A value at a moment. */
export interface Point {
  /** Milliseconds. */
  readonly atMs: number;
  readonly value: number;
}

/** The slope of the least-squares line through the points, per hour; 0 for fewer than two. */
export function slopePerHour(points: readonly Point[]): number {
  return slope(points.map(({ atMs, value }) => [atMs, value] as const)) * 3_600_000;
}

/**
 * The least of the third quarter of the points, and of the fourth: what a process returns to after garbage collection. Garbage and
 * an allocator's leftovers come and go by tens of MiB, which a slope over minutes takes for growth; a leak lifts this floor.
 */
export function floors(points: readonly Point[]): readonly [third: number, fourth: number] {
  const quarter = Math.ceil(points.length / 4);
  const least = (part: readonly Point[]): number => part.reduce((low, { value }) => Math.min(low, value), Infinity);
  return [least(points.slice(-2 * quarter, -quarter)), least(points.slice(-quarter))];
}

/**
 * How many bytes memory grew by for each unit of something counted at other moments, by least squares over a part of the
 * run.
 *
 * @param part milliseconds after the first look at the memory
 */
export function bytesPerUnit(
  memory: readonly Point[],
  counts: readonly Point[],
  part: { readonly from: number; readonly to: number },
): number {
  const begin = memory[0]?.atMs ?? 0;
  const pairs = memory
    .filter(({ atMs }) => atMs - begin >= part.from && atMs - begin < part.to)
    .flatMap(({ atMs, value }) => {
      const count = countAt(counts, atMs);
      return count === undefined ? [] : [[count, value] as const];
    });
  return slope(pairs);
}

/** The count between the two nearest looks, in proportion. */
function countAt(counts: readonly Point[], atMs: number): number | undefined {
  const after = counts.find((point) => point.atMs >= atMs);
  const before = counts.findLast((point) => point.atMs <= atMs);
  if (after === undefined || before === undefined) return undefined;
  if (after.atMs === before.atMs) return after.value;
  return before.value + ((after.value - before.value) * (atMs - before.atMs)) / (after.atMs - before.atMs);
}

function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return under === 0 ? 0 : over / under;
}
