import { describe, expect, it } from '@jest/globals';
import { colour, harmless } from '../../src/cli/output.js';

describe('what a command prints', () => {
  it('commands no terminal, whatever a header or a caller holds', () => {
    expect(harmless('from \u001b]0;title\u0007 and \u001b[2J\u009b31m\r')).toBe('from ?]0;title? and ?[2J?31m?');
    expect(harmless('\u202Etxt.exe\u2066')).toBe('?txt.exe?');
    expect(harmless('two lines\n\tand Müller 山田')).toBe('two lines\n\tand Müller 山田');
  });

  it('keeps its own colours', () => {
    const output = { out: () => undefined, err: () => undefined, terminal: true };
    for (const name of ['red', 'green', 'yellow', 'cyan', 'dim', 'bold'] as const) {
      const text = colour(output, name, 'text');
      expect(harmless(text)).toBe(text);
    }
  });
});
