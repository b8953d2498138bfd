// Decimal strings (VR DS, PS3.5 6.2), both ways.
const longest = 16;
/** No two parts of it may take the same digits: over 64 KB of them, which any peer may send, that took seconds. */
const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** A value, without its padding, as a number; NaN where it is none. */
export function decimalOf(value: string): number {
  return decimal.test(value) ? Number(value) : Number.NaN;
}

/** The shortest decimal of at most 16 characters that comes nearest; an exponent only where digits alone do not fit. */
export function decimalString(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return '0';
  const shortest = String(value);
  if (shortest.length <= longest && !shortest.includes('e')) return shortest;
  const whole = String(Math.trunc(Math.abs(value))).length + (value < 0 ? 1 : 0);
  const digits = longest - whole - 1;
  if (digits >= 1 && Math.abs(value) >= 1e-8 && Math.abs(value) < 1e15) {
    const text = value.toFixed(digits).replace(/\.?0+$/, '');
    if (text.length <= longest) return text;
  }
  for (let precision = 11; precision > 0; precision--) {
    const text = value.toExponential(precision);
    if (text.length <= longest) return text.replace(/\.?0+e/, 'e');
  }
  return '0';
}
