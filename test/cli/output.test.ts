import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { colour, harmless } from '../../src/cli/output.js';
import { main } from '../support/limpid.js';

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

it('a report that a full volume does not take is told in one line, with a status that no script takes for done', async () => {
  const full = openSync('/dev/full', 'w');
  try {
    const child = spawn(process.execPath, [main, 'models', 'schema'], { stdio: ['ignore', full, 'pipe'] });
    const [told, [status]] = await Promise.all([
      child.stderr === null ? '' : textOf(child.stderr),
      once(child, 'exit'),
    ]);
    expect([status, told]).toEqual([1, 'what this prints cannot be written: ENOSPC: no space left on device, write\n']);
  } finally {
    closeSync(full);
  }
});
