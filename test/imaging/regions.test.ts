import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { regionsOf } from '../../src/imaging/regions.js';

describe('regions of a grid', () => {
  it('touch along a side, not at a corner, and not around the end of a row', () => {
    const grid = ['##..#', '.#..#', '#..#.', '#....'].join('');
    const regions = regionsOf(4, 5, (cell) => grid[cell] === '#');
    expect(regions.map((region) => region.toSorted((a, b) => a - b))).toEqual([[0, 1, 6], [4, 9], [10, 15], [13]]);
  });

  it('hold each cell that is inside once, and no other', () => {
    const side = fc.integer({ min: 1, max: 12 });
    const grid = fc
      .tuple(side, side)
      .chain(([rows, columns]) =>
        fc.tuple(
          fc.constant(rows),
          fc.constant(columns),
          fc.array(fc.boolean(), { minLength: rows * columns, maxLength: rows * columns }),
        ),
      );
    fc.assert(
      fc.property(grid, ([rows, columns, inside]) => {
        const cells = regionsOf(rows, columns, (cell) => inside[cell] === true).flat();
        const wanted = inside.flatMap((is, cell) => (is ? [cell] : []));
        expect(cells.toSorted((a, b) => a - b)).toEqual(wanted);
      }),
    );
  });
});
