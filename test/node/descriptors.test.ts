// A process that may have few files open at once does not start: it would end anywhere, with words of the system alone.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { checkDescriptors } from '../../src/node/descriptors.js';
import { quickConfig } from '../../demo/start-node.js';
import { main } from '../support/limpid.js';
import { withFolder } from '../support/temporary.js';

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             95881                95881                processes
Max open files            ${soft.padEnd(20)} 4096                 files
`;

it('needs 256', () => {
  expect(() => checkDescriptors(limits('255'))).toThrow(/255 files open at once, a node needs 256/);
  for (const enough of [limits('256'), limits('1048576'), limits('unlimited'), '']) {
    expect(() => checkDescriptors(enough)).not.toThrow();
  }
});

it('is what `serve` says', async () => {
  await withFolder(async (folder) => {
    const file = join(folder, 'limpid.yaml');
    await writeFile(file, JSON.stringify(quickConfig({ spool: { directory: folder } })));
    const said = await new Promise((resolve) => {
      const script = 'ulimit -n 160; exec "$@"';
      const args = ['-c', script, 'sh', process.execPath, main, 'serve', '--config', file];
      const child = execFile('sh', args, (_, out, err) => resolve({ status: child.exitCode, out, err }));
    });
    expect(said).toEqual({
      status: 1,
      out: '',
      err: expect.stringMatching(/^NODE_DESCRIPTORS: the process may have 160 .*\n.*LimitNOFILE.*\n$/),
    });
  });
});
