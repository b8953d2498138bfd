// Which images see each other: by place, time and kind. Where headers leave a doubt, none.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ImagePlace } from '../../src/dicom/image-place.js';
import { countNeighbours, inRuns, neighboursOf } from '../../src/enhance/neighbours.js';

const range = { atLeast: 0.3, atMost: 6 };

/** An axial image at a height, mm. */
const at = (z: number, told: readonly (string | null)[] = [], change: Partial<ImagePlace> = {}): ImagePlace => ({
  position: [-100, -120, z],
  orientation: [1, 0, 0, 0, 1, 0],
  spacing: [0.7, 0.7],
  rows: 512,
  columns: 512,
  told,
  ...change,
});

/** The pairs of neighbours, by what each image is called. */
function pairs(named: Readonly<Record<string, ImagePlace>>, limits = range): string[] {
  const names = Object.keys(named);
  const neighbours = neighboursOf(Object.values(named), limits);
  for (const [image, { after }] of neighbours.entries())
    if (after !== null) expect(neighbours[after]?.before).toBe(image);
  expect(inRuns([...neighbours.keys()], neighbours).toSorted((a, b) => a - b)).toEqual([...neighbours.keys()]);
  return neighbours
    .flatMap(({ after }, image) => (after === null ? [] : [`${names[image]}-${names[after]}`]))
    .toSorted();
}

describe('the neighbours of an image', () => {
  it('are the next ones by position, whatever order the images come in', () => {
    expect(pairs({ c: at(4), a: at(0), d: at(6), b: at(2) })).toEqual(['a-b', 'b-c', 'c-d']);
  });

  it('are counted, and there are none in a series of one', () => {
    expect(pairs({ a: at(0) })).toEqual([]);
    const places = [at(0), at(2), at(4), at(40)];
    expect(countNeighbours(neighboursOf(places, range))).toEqual({ both: 1, one: 2, none: 1 });
  });

  it('lie neither too near nor too far', () => {
    expect(pairs({ a: at(0), b: at(6), c: at(12.1), d: at(12.3), e: at(12.6) })).toEqual(['a-b', 'd-e']);
    expect(pairs({ a: at(0), b: at(1), c: at(3) })).toEqual(['a-b', 'b-c']); // a slice is missing, within the limit
  });

  it('lie on one grid', () => {
    expect(
      pairs({
        a: at(0),
        b: at(2, [], { spacing: [0.7, 0.71] }),
        c: at(4),
        d: at(5, [], { rows: 256 }),
        e: at(6, [], { orientation: [1, 0, 0, 0, 0, -1] }),
        f: at(6),
      }),
    ).toEqual(['a-c', 'c-f']);
  });

  it('lie on one grid though their headers round it', () => {
    const rounded = { spacing: [0.70005, 0.70004], orientation: [0.99996, 0.00007, 0, -0.00007, 0.99994, 0] };
    expect(pairs({ a: at(0), b: at(2, [], rounded), c: at(4) })).toEqual(['a-b', 'b-c']);
  });

  it('lie one behind the other, by half a pixel at most: what a tilted gantry moves further aside is none', () => {
    const angle = (20 * Math.PI) / 180;
    /** The table moves along z, the image is tilted about x: it lies sin(20 degrees) of the step aside. */
    const tilted = (z: number): ImagePlace =>
      at(z, [], { orientation: [1, 0, 0, 0, Math.cos(angle), Math.sin(angle)] });
    expect(pairs({ a: tilted(0), b: tilted(1), c: tilted(2) })).toEqual(['a-b', 'b-c']); // 0.34 mm, 0.49 pixels
    expect(pairs({ a: tilted(0), b: tilted(3), c: tilted(6) })).toEqual([]);
    const aside = (z: number, x: number): ImagePlace => at(z, [], { position: [x, -120, z] });
    expect(pairs({ a: aside(0, 0), b: aside(2, 0.35), c: aside(4, 0.8) })).toEqual(['a-b']);
  });

  it('are none where a header does not place the image', () => {
    const lost: Partial<ImagePlace>[] = [
      { position: [] },
      { position: [0, 0, Number.NaN] },
      { orientation: [] },
      { orientation: [0, 0, 0, 0, 0, 0] },
      { spacing: [] },
    ];
    for (const change of lost) expect(pairs({ a: at(0), b: at(2, [], change), c: at(4) })).toEqual(['a-c']);
  });
});

describe('images at one position', () => {
  it('are no neighbours of each other, and have none where nothing tells them apart', () => {
    expect(pairs({ a: at(0), b: at(2), twin: at(2), c: at(4), d: at(6) })).toEqual(['c-d']);
  });

  it('see those of their own time alone (4D)', () => {
    expect(
      pairs({
        a1: at(0, ['1', '100000']),
        a2: at(0, ['2', '100001']),
        b1: at(2, ['1', '100000.5']),
        b2: at(2, ['2', '100001.5']),
        c2: at(4, ['2', '100002.2']),
        c1: at(4, ['1', '100001.2']),
      }),
    ).toEqual(['a1-b1', 'a2-b2', 'b1-c1', 'b2-c2']);
  });

  it('have none of a time that misses there', () => {
    expect(pairs({ a1: at(0, ['1']), a2: at(0, ['2']), b1: at(2, ['1']), c1: at(4, ['1']), c2: at(4, ['2']) })).toEqual(
      ['a1-b1', 'b1-c1', 'a2-c2'].toSorted(),
    );
  });

  it('see those of their own direction at their own b-value, where neither tells alone', () => {
    const named = Object.fromEntries(
      [0, 2, 4].flatMap((z) => [
        [`${z}/0`, at(z, ['0', null])],
        ...['500', '1000'].flatMap((b) => ['x', 'y'].map((to) => [`${z}/${b}/${to}`, at(z, [b, to])])),
      ]),
    );
    delete named['2/500/x'];
    const next = (name: string): string => name.replace(/^\d+/, (z) => String(Number(z) + 2));
    const wanted = Object.keys(named).flatMap((name) => (next(name) in named ? [`${name}-${next(name)}`] : []));
    expect(wanted).toHaveLength(8);
    expect(pairs(named)).toEqual([...wanted, '0/500/x-4/500/x'].toSorted());
    // Nothing tells twins apart.
    const ofTwins = pairs({ ...named, twin: at(4, ['1000', 'y']) }).filter((pair) => /twin|4.1000.y/.test(pair));
    expect(ofTwins).toEqual([]);
  });

  it('have none where each image has a time of its own, which says not of which volume it is', () => {
    const named = Object.fromEntries(
      [0, 2, 4].flatMap((z) => [0, 1, 2].map((t) => [`${z}/${t}`, at(z, [`1000${z}${t}`])])),
    );
    expect(pairs(named)).toEqual([]);
  });

  it('have none where one time says nothing and nothing else tells', () => {
    expect(pairs({ a: at(0, [null]), a2: at(0, ['2']), b: at(2, [null]), b2: at(2, ['3']) })).toEqual([]);
  });
});

describe('acquisitions', () => {
  it('that follow each other along the body are one stack: step and shoot', () => {
    const named = { a: at(0, ['1']), b: at(2, ['1']), c: at(4, ['2']), d: at(6, ['2']), e: at(8, ['3']) };
    expect(pairs(named)).toEqual(['a-b', 'b-c', 'c-d', 'd-e']);
  });

  it('that share a region do not mix, though no position is the same', () => {
    const first = { a1: at(0, ['1']), b1: at(2, ['1']), c1: at(4, ['1']) };
    const second = { a2: at(3, ['2']), b2: at(5, ['2']), c2: at(7, ['2']) };
    expect(pairs({ ...first, ...second })).toEqual(['a1-b1', 'a2-b2', 'b1-c1', 'b2-c2']);
  });

  it('of two kernels in one series do not mix', () => {
    expect(
      pairs({
        softA: at(0, ['B30f']),
        sharpA: at(0, ['B70f']),
        softB: at(1, ['B30f']),
        sharpB: at(1, ['B70f']),
      }),
    ).toEqual(['sharpA-sharpB', 'softA-softB']);
  });

  it('never mix, whatever the headers say', () => {
    const image = fc.record({
      z: fc.integer({ min: 0, max: 12 }).map((step) => step * 0.5),
      phase: fc.integer({ min: 1, max: 3 }),
      told: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(image, { maxLength: 40 }), (images) => {
        const places = images.map(({ z, phase, told }) => at(z, [String(phase), told ? 'x' : null]));
        const neighbours = neighboursOf(places, range);
        for (const [index, { after }] of neighbours.entries()) {
          if (after === null) continue;
          const [one, other] = [images[index]!, images[after]!];
          expect(neighbours[after]?.before).toBe(index);
          expect(other.z - one.z).toBeGreaterThanOrEqual(0.3);
          // Of two phases only where none of the one lies among the other's.
          const reach = (phase: number): number[] => images.filter((i) => i.phase === phase).map(({ z }) => z);
          if (one.phase !== other.phase)
            expect(Math.max(...reach(one.phase))).toBeLessThan(Math.min(...reach(other.phase)));
        }
        const order = inRuns([...places.keys()], neighbours);
        expect(order.toSorted((a, b) => a - b)).toEqual([...places.keys()]);
        for (const [index, { after }] of neighbours.entries())
          if (after !== null) expect(order.indexOf(after)).toBe(order.indexOf(index) + 1);
      }),
    );
  });
});
