// Padding of values: what a regular expression would take away, in a time that follows the length.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { strip, stripEnd } from '../../src/dicom/strip.js';
import { processorMs } from '../support/processor-time.js';

it('takes blanks and NULs away at the ends, and nothing else', () => {
  const padded = fc.array(fc.constantFrom(' ', '\0', 'a', '\t', '\u00a0'), { maxLength: 12 });
  fc.assert(
    fc.property(padded, (parts) => {
      const text = parts.join('');
      expect(stripEnd(text)).toBe(text.replace(/[\0 ]+$/, ''));
      expect(strip(text)).toBe(text.replace(/^[\0 ]+|[\0 ]+$/g, ''));
    }),
  );
});

it.each([
  ['blanks within', `a${' '.repeat(4_000_000)}x`],
  ['NULs behind', `x${'\0'.repeat(4_000_000)}`],
])('reads a text of 4 MB at once: %s', (_name, text) => {
  const started = processorMs();
  strip(text);
  stripEnd(text);
  expect(processorMs() - started).toBeLessThan(2000);
});
