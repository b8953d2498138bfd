// Every way to start the program gives Node more threads for files than its 4, and the C library fewer heaps than threads.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const firstLine = read('src/main.ts').split('\n')[0] ?? '';

describe('threads for files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-threads-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are 16 in a program of this first line', () => {
    const program = join(folder, 'count.mjs');
    const count = `
      import { readdirSync } from 'node:fs';
      import { stat } from 'node:fs/promises';
      await stat('.');
      console.log(readdirSync('/proc/self/task').length);
    `;
    writeFileSync(program, `${firstLine}\n${count}`, { mode: 0o755 });
    const threads = (env: Record<string, string>, ...command: [string, ...string[]]) => {
      const { status, stdout } = spawnSync(command[0], command.slice(1), {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] ?? '', ...env },
      });
      expect(status).toBe(0);
      return Number(stdout);
    };
    const ofNode = threads({}, process.execPath, program);
    expect(threads({}, program) - ofNode).toBe(16 - 4);
    expect(threads({ UV_THREADPOOL_SIZE: '16' }, process.execPath, program) - ofNode).toBe(16 - 4);
  });

  it('are as many in the unit and in each image that is started, with two heaps', () => {
    expect(firstLine).toContain('UV_THREADPOOL_SIZE=16');
    expect(firstLine).toContain('MALLOC_ARENA_MAX=2');
    const unit = read('deploy/systemd/limpid.service');
    expect(unit).toMatch(/^Environment=UV_THREADPOOL_SIZE=16$/m);
    expect(unit).toMatch(/^Environment=MALLOC_ARENA_MAX=2$/m);
    const started = read('deploy/Dockerfile')
      .split(/^FROM /m)
      .filter((stage) => stage.includes('ENTRYPOINT'));
    expect(started.length).toBe(2);
    for (const stage of started) expect(stage).toMatch(/^ENV .*UV_THREADPOOL_SIZE=16 MALLOC_ARENA_MAX=2 /m);
  });
});
