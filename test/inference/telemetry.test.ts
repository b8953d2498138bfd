// onnxruntime from 1.29 on reports to its maker unless ORT_DISABLE_TELEMETRY is set before it is loaded (its docs/Privacy.md).
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { withFolder } from '../support/temporary.js';

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));

it('a network runs without the telemetry of onnxruntime: nothing of its is at home or among temporary files', () =>
  withFolder(async (home) => {
    const { ORT_DISABLE_TELEMETRY: _, ...rest } = process.env;
    const env = { ...rest, HOME: home, TMPDIR: home, XDG_CACHE_HOME: join(home, '.cache') };
    const run = promisify(execFile)(process.execPath, [main, 'models', 'verify', 'us-despeckle'], { env });
    expect((await run).stdout).toContain('us-despeckle');
    expect(await readdir(home)).toEqual([]);
  }));
