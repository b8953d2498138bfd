// SIGHUP: one line that says what was read again, and what waits for a restart; and a node that goes on, also while it starts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { quickConfig } from '../../demo/start-node.js';
import { loadConfig } from '../../src/config/load.js';
import { hungUp } from '../../src/node/hang-up.js';
import { noTls, openTls } from '../../src/node/open-tls.js';
import type { Log } from '../../src/observe/log.js';
import { makeAuthority, writeIdentity } from '../support/certificates.js';
import { main } from '../support/limpid.js';
import { withFolder } from '../support/temporary.js';

function keptLog(lines: string[]): Log {
  const at =
    (level: string) =>
    (event: string, fields: object = {}) =>
      void lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: () => keptLog(lines) };
}

it('a node without TLS says that the configuration is as it was, has changed, or has a fault', async () => {
  await withFolder(async (folder) => {
    const file = join(folder, 'limpid.yaml');
    const rules = join(folder, 'rules.yaml');
    const readAgain = () => loadConfig(file, {});
    await writeFile(
      file,
      'node: { aeTitle: LIMPID }\npeers: { out: { kind: folder, directory: . } }\nrules: rules.yaml\n',
    );
    await writeFile(rules, '- { name: all, forward: [out] }\n');
    const config = await readAgain();
    const said = async () => {
      const lines: string[] = [];
      await hungUp({ config, readAgain, log: keptLog(lines) }, noTls);
      return lines.join('\n');
    };
    expect(await said()).toMatch(/^info SIGHUP: .*"this process uses none","configuration":"as at the start"}$/);
    await writeFile(rules, '# a comment is no change\n- { name: all, forward: [out] }\n');
    expect(await said()).toMatch(/^info /);
    await writeFile(rules, '- { name: other, forward: [out] }\n');
    expect(await said()).toMatch(/^warn SIGHUP: .*has changed since the start and is not in use: restart/);
    await writeFile(rules, '- { name: other, forwards: [out] }\n');
    expect(await said()).toMatch(/^warn SIGHUP: .*would not start now.*rules\.yaml:1:/);
    await rm(file);
    expect(await said()).toMatch(/^warn SIGHUP: .*would not start now.*is not there/);
  });
});

it('each place with certificates is told, a fault at every signal', async () => {
  await withFolder(async (folder) => {
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
    const authority = await makeAuthority('CN=Test Authority', inDays(100));
    const caFile = join(folder, 'ca.crt');
    await writeFile(caFile, authority.certificate);
    const issue = () => authority.issue({ name: 'CN=limpid', to: inDays(50) });
    const own = await writeIdentity(folder, 'own', await issue());
    const file = join(folder, 'limpid.yaml');
    await writeFile(file, JSON.stringify({ node: { aeTitle: 'LIMPID', dimse: { tls: { ...own, caFile } } } }));
    const readAgain = () => loadConfig(file, {});
    const config = await readAgain();
    const tls = await openTls(config);
    const said = async () => {
      const lines: string[] = [];
      await hungUp({ config, readAgain, log: keptLog(lines) }, tls);
      return lines.at(-1);
    };
    expect(await said()).toMatch(/^info SIGHUP: .*"node\.dimse\.tls: unchanged"/);
    await writeIdentity(folder, 'own', await issue());
    expect(await said()).toMatch(/^info SIGHUP: .*"node\.dimse\.tls: renewed"/);
    await writeFile(own.certificateFile, 'nothing');
    for (const _ of [1, 2])
      expect(await said()).toMatch(/^warn SIGHUP: .*the old ones stay in use: .*own\.crt holds no/);
  });
});

/** Whether a process has a listener for SIGHUP, by the mask of the signals that it catches. */
async function hearsHangUp(pid: number): Promise<boolean> {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}

it('a node that is still starting goes on', async () => {
  await withFolder(async (folder) => {
    const file = join(folder, 'limpid.yaml');
    await writeFile(file, JSON.stringify(quickConfig({})));
    const child = spawn(process.execPath, [main, 'serve', '--config', file], { stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = child.pid ?? 0;
    try {
      const ended = once(child, 'exit');
      const started = once(child.stdout, 'data');
      while (child.exitCode === null && !(await hearsHangUp(pid))) await sleep(5);
      child.kill('SIGHUP');
      expect(existsSync(join(folder, 'data'))).toBe(false); // it has hardly begun
      const isFirst = await Promise.race([started.then(() => 'ready'), ended.then(() => 'ended')]);
      expect(isFirst).toBe('ready');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
}, 120_000);
