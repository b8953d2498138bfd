/** How far small areas of a slice have moved: what an enhancer erased or drew in one place, which no mean over the slice tells. */
import type { Slice } from '../imaging/slice.js';

/** Side of an area, pixels: noise is gone from its mean, a small lesion is not. */
const areaSide = 9;
/** Edges may become this much softer or harder, as a share of what the truth spans in the area. */
const ofEdges = 0.15;

/** The most that the mean of an area has changed, less what edges within it explain; in the unit of the slices. */
export function largestLocalChange(sent: Slice, back: Slice, truth: Slice): number {
  const { rows, columns } = sent;
  let largest = 0;
  for (let row = 0; row + areaSide <= rows; row += 2) {
    for (let column = 0; column + areaSide <= columns; column += 2) {
      let [sum, low, high] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let r = row; r < row + areaSide; r++) {
        for (let i = r * columns + column, end = i + areaSide; i < end; i++) {
          const drawn = truth.values[i]!;
          sum += back.values[i]! - sent.values[i]!;
          if (drawn < low) low = drawn;
          if (drawn > high) high = drawn;
        }
      }
      largest = Math.max(largest, Math.abs(sum) / areaSide ** 2 - ofEdges * (high - low));
    }
  }
  return largest;
}
