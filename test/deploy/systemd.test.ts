import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { describeWithPeers, findPeer } from '../support/peers.js';

const unit = readFileSync(new URL('../../../deploy/systemd/limpid.service', import.meta.url), 'utf8');

describeWithPeers(['systemd-analyze'], 'deploy/systemd/limpid.service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-systemd-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The unit with paths that are on this machine, so that only its own faults are left to tell. */
  const analyze = (text: string, ...args: string[]) => {
    const file = join(folder, 'limpid.service');
    writeFileSync(file, text.replaceAll('/usr/bin/node', process.execPath).replaceAll('/opt/limpid', folder));
    const { status, stdout, stderr } = spawnSync(findPeer('systemd-analyze') ?? '', [...args, file], {
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  };

  it('has no key that systemd does not know', () => {
    expect(analyze(unit, 'verify', '--man=no')).toEqual({ status: 0, output: '' });
    // It answers 0 even so: what it writes is the verdict.
    expect(analyze(unit.replace('UMask', 'UMusk'), 'verify', '--man=no').output).toMatch(/Unknown key.*'UMusk'/);
  });

  it('is hardened: exposure below 2 of 10', () => {
    const level = /exposure level for limpid\.service: (\d+\.\d+)/.exec(
      analyze(unit, 'security', '--offline=true').output,
    )?.[1];
    expect(Number(level)).toBeLessThan(2);
  });

  it('is started again for as long as its database or its volume is away, but not with a fault in its configuration', () => {
    expect(unit).toMatch(/^StartLimitIntervalSec=0$/m);
    expect(unit).toMatch(/^Restart=on-failure$/m);
    expect(unit).toMatch(/^RestartPreventExitStatus=2$/m);
  });

  it('waits longer for the drain than limpid takes', () => {
    expect(unit).toMatch(/^TimeoutStopSec=40$/m);
  });
});
