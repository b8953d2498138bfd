import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

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
});
