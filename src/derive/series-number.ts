// Series Number of what limpid makes (conformance 3.5).
/** Above this, source number x 100 + slot no longer fits IS (2^31 - 1). */
const largestSourceNumber = 21_474_835;
/** Series Number where the source's cannot be used: this + slot. */
const spareNumber = 9000;

/** Series Number of a derived series. Of 0 it would be the bare slot, which is the number of another series of the scanner's: 1, 2, ... */
export function derivedSeriesNumber(source: number | null, slot: number): number {
  return source === null || Math.trunc(source) <= 0 || source > largestSourceNumber
    ? spareNumber + slot
    : Math.trunc(source) * 100 + slot;
}
