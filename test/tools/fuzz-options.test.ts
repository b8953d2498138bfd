// A fuzzer that is called wrongly tries nothing: it must not say that everything held.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const fuzz = (...args: string[]) =>
  spawnSync(process.execPath, [fileURLToPath(new URL('../../tools/fuzz.js', import.meta.url)), ...args], {
    encoding: 'utf8',
  });

describe('npm run fuzz', () => {
  it.each([
    [['dimse', '--count', 'many'], '--count takes a whole number from 1 on, not many\n'],
    [['dimse', '--count', '0'], '--count takes a whole number from 1 on, not 0\n'],
    [['files'], 'there is no fuzzing of files: dimse, pixels or objects\n'],
  ])('%j: status 2 and the reason, and nothing is called sound', (args, says) => {
    const { status, stdout, stderr } = fuzz(...args);
    expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: '', stderr: says });
  });

  it('goes through what it is asked for', () => {
    const { status, stdout } = fuzz('dimse', '--count', '200', '--seed', '7');
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n').length).toBeGreaterThan(5);
    expect(stdout).not.toMatch(/FOUND| 0 cases/);
  });
});
