// Own check: on a finer grid, each pixel lies where it lay in the patient (conformance 3.4). It places the corners of both images by
// their own headers, and does not ask how the writer came to its numbers.
import type { DataSet } from '../dicom/data-set.js';
import { number } from '../dicom/values.js';
import { checkSpacing } from './check-grid-macros.js';
import type { Check } from './faults.js';
import { planeOf } from './geometry.js';
import type { ImagePlane } from './geometry.js';
import type { NewGrid } from './plan.js';

/** Decimal strings have 16 characters; nothing of a finding moves by more than this, mm. */
const within = 1e-4;

export function checkGeometry(check: Check): void {
  const { source, derived, plan, fault } = check;
  const { geometry } = plan;
  if (geometry === undefined) return;
  const [from, to] = [source.dataSet, derived.dataSet];
  const { scale } = geometry;
  for (const keyword of ['Rows', 'Columns'])
    if (number(to, keyword) !== (number(from, keyword) ?? 0) * scale)
      fault('GRID', `${keyword} is not the source's times ${scale}`);
  for (const keyword of ['ImagerPixelSpacing', 'NominalScannedPixelSpacing'])
    checkSpacing(check, from, to, keyword, '');
  const frames = source.description.frames;
  for (let frame = 0; frame < frames; frame++) {
    const moved = movedBy(from, to, frame, geometry);
    if (moved > within) fault('GEOM', `frame ${frame + 1}: pixels lie ${moved.toFixed(4)} mm from where they were`);
  }
}

/** How far, in mm, a place of the source's frame lies from the same place of the derived one; 0 where the source has no geometry. */
function movedBy(from: DataSet, to: DataSet, frame: number, grid: NewGrid): number {
  const [before, after] = [planeOf(from, frame), planeOf(to, frame)];
  if (before.spacing.length !== 2) return 0;
  if (after.spacing.length !== 2) return Infinity;
  const corners = [0, before.rows - 1].flatMap((row) =>
    [0, before.columns - 1].map((column) => [row, column] as const),
  );
  return Math.max(
    ...corners.map(([row, column]) => {
      const old = placeOf(before, row, column);
      const own = placeOf(after, onGrid(row, before.rows, grid), onGrid(column, before.columns, grid));
      return Math.hypot(...old.map((value, axis) => value - (own[axis] ?? 0)));
    }),
  );
}

/** Index on the new grid, not whole, of a pixel's centre on the old. */
function onGrid(index: number, length: number, { scale, sampling }: NewGrid): number {
  if (sampling === 'half_pixel') return scale * (index + 0.5) - 0.5;
  return sampling === 'asymmetric' ? scale * index : (index * (scale * length - 1)) / (length - 1);
}

/** Patient coordinates of a place in the plane; of an image without them, in the image itself. */
function placeOf({ spacing, orientation, position }: ImagePlane, row: number, column: number): number[] {
  const [down = 0, across = 0] = spacing;
  const [x = 0, y = 0, z = 0] = position;
  const hasPlane = orientation.length === 6 && position.length === 3;
  const [rx = 1, ry = 0, rz = 0, cx = 0, cy = 1, cz = 0] = hasPlane ? orientation : [];
  // Without a position, the first pixel's corner is where both begin.
  const origin = hasPlane ? [x, y, z] : [across / 2, down / 2, 0];
  return [rx, ry, rz].map(
    (along, axis) => (origin[axis] ?? 0) + along * across * column + ([cx, cy, cz][axis] ?? 0) * down * row,
  );
}
