import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { withFolder } from '../support/temporary.js';

const log = fileURLToPath(new URL('../../src/observe/log.js', import.meta.url));

/** Lines that a process of plain node writes; standard output must stay empty. */
function lines(level: string, body: string): Record<string, unknown>[] {
  const code = `import { openLog } from ${JSON.stringify(log)}; const log = openLog('${level}'); ${body}`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect([run.status, run.stdout]).toEqual([0, '']);
  return run.stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line));
}

describe('log', () => {
  it('writes one JSON object a line to standard error, from its level on', () => {
    const written = lines(
      'info',
      `log.debug('no'); log.info('started', { port: 11112 }); log.with({ key: 'k' }).warn('held');`,
    );
    expect(written).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), msg: 'started', port: 11112 },
      { level: 'warn', time: expect.any(String), msg: 'held', key: 'k' },
    ]);
  });

  it('tells errors with code and cause', () => {
    const [line] = lines(
      'error',
      `const cause = new Error('below'); log.error('failed', { error: Object.assign(new Error('above', { cause }), { code: 'SPOOL_FULL' }) });`,
    );
    expect(line?.['error']).toMatchObject({ code: 'SPOOL_FULL', message: expect.stringContaining('above') });
    expect(JSON.stringify(line)).toContain('below');
  });

  it('blots out attributes that name a patient, should one slip in', () => {
    const [line] = lines(
      'info',
      `log.info('x', { PatientName: 'Doe^John', deep: { PatientID: '4711' }, peer: 'ct1' });`,
    );
    expect(line).toMatchObject({ PatientName: '[removed]', deep: { PatientID: '[removed]' }, peer: 'ct1' });
  });

  it('takes what libraries tell the console, each text once', () => {
    const hook = log.replace(/log\.js$/, 'console-into-log.js');
    const written = lines(
      'info',
      `const { consoleIntoLog } = await import(${JSON.stringify(hook)}); const end = consoleIntoLog(log);
       for (let n = 0; n < 3; n++) console.warn('IMPORTANT! Eviction policy is %s.', 'allkeys-lru');
       console.log('not a result'); console.debug('no'); end();`,
    );
    expect(written).toMatchObject([
      { level: 'warn', msg: 'a library says', says: 'IMPORTANT! Eviction policy is allkeys-lru.' },
      { level: 'info', msg: 'a library says', says: 'not a result' },
    ]);
  });

  it('does not hold up the process when nobody reads it, and tells what was lost', async () => {
    const written = 6000; // of a kilobyte: more than a pipe holds and than is kept
    const code = `import { openLog } from ${JSON.stringify(log)}; const log = openLog('info');
      for (let n = 0; n < ${written}; n++) log.info('line', { n, filler: 'x'.repeat(1000) });
      process.stdout.write('not held up'); process.stdin.resume();`;
    const run = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'pipe' });
    const ended = once(run, 'close');
    await once(run.stdout, 'data');
    let all = '';
    run.stderr.setEncoding('utf8').on('data', (part: string) => {
      all += part;
      if (all.endsWith('nobody read them"}\n')) run.stdin.end();
    });
    await ended;
    const told = all
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line));
    const lost = told.at(-1);
    expect(lost).toMatchObject({
      level: 'warn',
      msg: 'log lines were lost: nobody read them',
      lines: expect.any(Number),
    });
    expect(told.slice(0, -1).map(({ n }) => n)).toEqual(Array.from({ length: told.length - 1 }, (_, n) => n));
    expect(Number(lost?.['lines']) + told.length - 1).toBe(written);
    expect(run.exitCode).toBe(0);
  });

  it('tells what was lost while its file took no more, and spoils no line after that', async () => {
    await withFolder(async (directory) => {
      const file = join(directory, 'log');
      // a file that may have 8 KB stands for a volume that is full; whoever makes room stands for one who rotates logs
      const code = `import { openLog } from ${JSON.stringify(log)}; import { readFileSync, truncateSync } from 'node:fs';
        const log = openLog('info');
        for (let n = 0; n < 20; n++) log.info('line', { filler: 'x'.repeat(1000) });
        process.stdout.write(readFileSync(process.argv[1])); truncateSync(process.argv[1]);
        log.info('room'); log.info('again');`;
      const shell = `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2" 2>>"$2"`;
      const run = spawnSync('bash', ['-c', shell, process.execPath, code, file], { encoding: 'utf8' });
      expect(run.status).toBe(0);
      const whole = run.stdout.split('\n').length - 1;
      expect(run.stdout.endsWith('\n')).toBe(false); // the last one was torn
      const [rest, ...after] = readFileSync(file, 'utf8').trimEnd().split('\n');
      expect(rest).toBe(''); // ends the torn line
      expect(after.map((line): unknown => JSON.parse(line))).toMatchObject([
        { msg: 'room' },
        { level: 'warn', lines: 20 - whole, msg: expect.stringMatching(/^log lines were lost: EFBIG/) },
        { msg: 'again' },
      ]);
    });
  });
});
