// deploy/systemd/limpid: the command beside the unit works on what the unit's node works on.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const command = read('deploy/systemd/limpid');
const unit = read('deploy/systemd/limpid.service');

describe('deploy/systemd/limpid', () => {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-command-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The command with a `node` and a `runuser` that tell what they were called with. */
  const call = (user: string, ...args: string[]) => {
    const told = join(folder, 'told');
    writeFileSync(told, '#!/bin/sh\necho "${0##*/} $*"\nenv\numask\n');
    chmodSync(told, 0o755);
    copyFileSync(told, join(folder, 'runuser'));
    const file = join(folder, 'limpid');
    writeFileSync(file, command.replaceAll('/usr/bin/node', told).replace('!= limpid', `!= ${user}`));
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const { status, stdout } = spawnSync('/bin/sh', [file, ...args], { encoding: 'utf8', env });
    expect(status).toBe(0);
    return stdout;
  };

  it("starts the unit's program on its configuration, its spool and its mask", () => {
    const told = call(userInfo().username, 'series', 'show', 'a b');
    const [, program, file] = /^ExecStart=\/usr\/bin\/node (.*) serve --config (\S+)$/m.exec(unit) ?? [];
    expect(told).toContain(`told ${program} series show a b\n`);
    expect(told).toContain(`\nLIMPID_CONFIG=${file}\n`);
    expect(told).toContain(`\n${/LIMPID_SPOOL_DIRECTORY=\S+/.exec(unit)?.[0]}\n`);
    expect(told).toContain(`\n${/UV_THREADPOOL_SIZE=\d+/.exec(unit)?.[0]}\n`);
    expect(told).toContain(`\n${/MALLOC_ARENA_MAX=\d+/.exec(unit)?.[0]}\n`);
    expect(told).toMatch(new RegExp(`^${/^UMask=(\d+)$/m.exec(unit)?.[1]}$`, 'm'));
  });

  it("becomes the unit's user, and keeps who called", () => {
    const user = /^User=(\S+)$/m.exec(unit)?.[1];
    expect(command).toContain(`" != ${user} ]`);
    const told = call('somebody-else', 'series', 'list');
    expect(told).toMatch(new RegExp(`^runuser -u ${user} -- .*/limpid series list$`, 'm'));
    expect(told).toContain(`\nSUDO_USER=${userInfo().username}\n`);
  });
});
