import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openNetwork } from '../../src/inference/network.js';
import { openRegistry } from '../../src/inference/registry.js';
import type { Session } from '../../src/inference/session.js';
import { tileFaults } from '../../src/inference/tile-faults.js';
import { tilesOf } from '../../src/inference/tiles.js';
import { modelsDirectory } from '../support/shipped-models.js';
import { uniform } from '../../src/imaging/random.js';

describe('tiles', () => {
  it('keep every pixel once, see what they keep and their halo, and start on the grid', () => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 90 }),
      columns: fc.integer({ min: 1, max: 90 }),
      side: fc.integer({ min: 8, max: 40 }),
      halo: fc.integer({ min: 0, max: 12 }),
      multipleOf: fc.constantFrom(1, 2, 8),
    });
    fc.assert(
      fc.property(shape, ({ rows, columns, side, halo, multipleOf }) => {
        const seen = new Uint8Array(rows * columns);
        for (const { window, kept } of tilesOf(rows, columns, { side, halo }, multipleOf)) {
          expect(window.top % multipleOf).toBe(0);
          expect(window.left % multipleOf).toBe(0);
          for (let r = kept.top; r < kept.top + kept.rows; r++) {
            for (let c = kept.left; c < kept.left + kept.columns; c++) seen[r * columns + c]! += 1;
          }
          expect(window.top).toBeLessThanOrEqual(Math.max(0, kept.top - halo));
          expect(window.left).toBeLessThanOrEqual(Math.max(0, kept.left - halo));
          expect(window.top + window.rows).toBeGreaterThanOrEqual(Math.min(rows, kept.top + kept.rows + halo));
          expect(window.left + window.columns).toBeGreaterThanOrEqual(
            Math.min(columns, kept.left + kept.columns + halo),
          );
          expect(window.top + window.rows).toBeLessThanOrEqual(rows);
          expect(window.left + window.columns).toBeLessThanOrEqual(columns);
        }
        expect(seen.every((count) => count === 1)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each<[string, (image: Float32Array) => number]>([
    ['mean', (image) => image.reduce((sum, value) => sum + value, 0) / image.length],
    ['largest value', (image) => image.reduce((most, value) => Math.max(most, value))],
  ])('of a network that looks at the %s of all it is given are told from the whole', async (_, of) => {
    // Grain about one level has the same in every tile; air and tissue have not.
    const sees = (share: number): Session => ({
      inputNames: ['x'],
      outputNames: ['y'],
      run(_input, _output, values) {
        const image = values.subarray(0, values.length / 2);
        const added = share * of(image);
        return Promise.resolve(image.map((value) => value + added));
      },
      close: () => Promise.resolve(),
    });
    const input = {
      input: 'x',
      output: 'y',
      slices: 1,
      neighbourMm: null,
      scale: 1000,
      multipleOf: 1,
      range: null,
    } as const;
    const tile = { side: 256, halo: 16 };
    expect(await tileFaults(sees(0), { ...input, tile })).toEqual([]);
    expect(await tileFaults(sees(0.05), { ...input, tile })).toEqual([
      expect.stringMatching(/^a slice of 64 x 257 pixels differs in tiles .* needs tile: null\)$/),
    ]);
  });

  it.each(['ct-low-dose', 'ct-low-dose-fast', 'mr-accelerated'])(
    '%s gives the same in tiles as in one piece, to 1e-4 of its scale',
    async (id) => {
      const registry = await openRegistry(modelsDirectory);
      const card = registry.get(id);
      if (card === undefined || card.input === null) throw new Error(`no ${id}`);
      const next = uniform(3);
      const [rows, columns] = [147, 131];
      const chance = (): Float32Array => Float32Array.from({ length: rows * columns }, () => 200 * next());
      const values = chance();
      const neighbours = { before: chance(), after: chance() };
      const slice = { rows, columns, values };
      const noise = new Float32Array(values.length).fill(20);
      const run = async (tile: { side: number; halo: number } | null): Promise<Float32Array> => {
        const input = card.input === null ? null : { ...card.input, tile };
        const network = await openNetwork({ ...card, input }, registry.file(id), 'cpu');
        try {
          const [whole = new Float32Array(0)] = await network.residuals([{ slice, noise, neighbours }]);
          return whole;
        } finally {
          await network.close();
        }
      };
      const whole = await run(null);
      const tiled = await run({ side: 64, halo: card.input.tile?.halo ?? 0 });
      const short = await run({ side: 64, halo: 4 });
      const apart = (other: Float32Array): number =>
        whole.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? 0))), 0);
      expect(apart(tiled)).toBeLessThan(1e-4 * card.input.scale);
      expect(apart(short)).toBeGreaterThan(apart(tiled)); // a halo below the network's reach shows
    },
  );
});
