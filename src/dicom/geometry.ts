// Where the slices of a series lie: positions along the normal, order, spacing, gaps (PS3.3 C.7.6.2.1.1).

/** Image Position (Patient), mm, and Image Orientation (Patient): row direction, then column direction. */
export interface Plane {
  readonly position: readonly number[];
  readonly orientation: readonly number[];
  /** Slice Thickness, mm; absent or null: not known. */
  readonly thicknessMm?: number | null;
}

/** Slices of one orientation as a stack. */
export interface Stack {
  /** Position of each slice along the common normal, mm, in the order given. */
  readonly along: Float64Array;
  /** Indices of the slices by rising position; equal positions keep their order. */
  readonly order: readonly number[];
  /** Median step between neighbouring positions that differ, mm; null with fewer than two positions. */
  readonly spacing: number | null;
  /** How many steps are above 1.5 x what is usual for slices of their thickness: slices are missing there. */
  readonly gaps: number;
  /** Slices that share a position with the slice before them in `order`. */
  readonly duplicates: number;
}

/** Steps above this many usual ones are gaps (conformance: when a series is complete). */
const gapFactor = 1.5;
/** Of fewer steps between slices of one thickness no usual one is told: that of the whole stack holds for them. */
const leastSteps = 3;
/** Positions nearer than this are one position, mm: scanners write them with 3 to 6 decimals. */
const samePosition = 0.005;

/** Unit normal of an orientation: row direction x column direction; null where the six numbers give none. */
export function normalOf(orientation: readonly number[]): readonly [number, number, number] | null {
  if (orientation.length !== 6 || !orientation.every((value) => Number.isFinite(value))) return null;
  const [rx = 0, ry = 0, rz = 0, cx = 0, cy = 0, cz = 0] = orientation;
  const normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx] as const;
  const length = Math.hypot(...normal);
  return length < 0.1 ? null : [normal[0] / length, normal[1] / length, normal[2] / length];
}

/**
 * The stack of the planes, measured along the first plane's normal (the gate refuses mixed orientations). Null where a plane has no
 * usable position or the first no usable orientation.
 */
export function stackOf(planes: readonly Plane[]): Stack | null {
  const normal = planes[0] === undefined ? null : normalOf(planes[0].orientation);
  if (normal === null) return null;
  const along = new Float64Array(planes.length);
  for (const [index, { position }] of planes.entries()) {
    if (position.length !== 3 || !position.every((value) => Number.isFinite(value))) return null;
    const [x = 0, y = 0, z = 0] = position;
    along[index] = x * normal[0] + y * normal[1] + z * normal[2];
  }
  const at = (index: number): number => along[index] ?? 0;
  const order = [...along.keys()].sort((a, b) => at(a) - at(b) || a - b);
  const all = order.slice(1).map((slice, index) => ({ from: order[index] ?? slice, to: slice }));
  const steps = all.map(({ from, to }) => ({ from, to, mm: at(to) - at(from) })).filter(({ mm }) => mm > samePosition);
  const spacing = median(steps.map(({ mm }) => mm));
  return {
    along,
    order,
    spacing,
    gaps: spacing === null ? 0 : gapsIn(steps, planes, spacing),
    duplicates: all.length - steps.length,
  };
}

interface Step {
  readonly from: number;
  readonly to: number;
  readonly mm: number;
}

/**
 * Steps that leave room for a slice. Heads are scanned thin at the base of the skull and thick above it, in one series: each thickness has
 * a step of its own, and where they meet the mean of both is usual.
 */
function gapsIn(steps: readonly Step[], planes: readonly Plane[], spacing: number): number {
  const thickness = (slice: number): number | null => planes[slice]?.thicknessMm ?? null;
  const within = new Map<number, number[]>();
  for (const { from, to, mm } of steps) {
    const mine = thickness(from);
    if (mine === null || mine !== thickness(to)) continue;
    const known = within.get(mine);
    if (known === undefined) within.set(mine, [mm]);
    else known.push(mm);
  }
  const own = new Map([...within].map(([mine, all]) => [mine, all.length < leastSteps ? null : median(all)]));
  const usual = (slice: number): number => own.get(thickness(slice) ?? Number.NaN) ?? spacing;
  return steps.filter(({ from, to, mm }) => mm > (gapFactor * (usual(from) + usual(to))) / 2).length;
}

/** Lower median, so that a gap never becomes the spacing of a stack of three. */
function median(values: readonly number[]): number | null {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1] ?? null;
}
