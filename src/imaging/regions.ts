/** Connected regions of a grid. */

/**
 * Regions of cells that touch along a side.
 *
 * @param isInside whether a cell, counted row by row, belongs to any
 * @returns the cells of each region
 */
export function regionsOf(rows: number, columns: number, isInside: (cell: number) => boolean): readonly number[][] {
  const seen = new Uint8Array(rows * columns);
  const regions: number[][] = [];
  for (let first = 0; first < seen.length; first++) {
    if (seen[first]! !== 0 || !isInside(first)) continue;
    const region = [first];
    seen[first] = 1;
    for (const cell of region) {
      const column = cell % columns;
      const beside = [
        column > 0 ? cell - 1 : -1,
        column < columns - 1 ? cell + 1 : -1,
        cell - columns,
        cell + columns < seen.length ? cell + columns : -1,
      ];
      for (const next of beside) {
        if (next < 0 || seen[next]! !== 0 || !isInside(next)) continue;
        seen[next] = 1;
        region.push(next);
      }
    }
    regions.push(region);
  }
  return regions;
}
