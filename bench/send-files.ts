// limpid's sender as a whole process: every file of some folders to a peer. `node build/bench/send-files.js PORT AE ASSOCIATIONS FOLDER...`.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readOutgoing } from '../src/io/dimse/outgoing.js';
import { send } from '../src/io/dimse/scu.js';
import { openLog } from '../src/observe/log.js';

const [port, aeTitle = '', associations, ...folders] = process.argv.slice(2);
const target = { aeTitle, host: '127.0.0.1', port: Number(port), callingAe: 'CT1' };
const files = await Promise.all(
  folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
);
const instances = await Promise.all(files.flat().map((file) => readOutgoing(file)));
const { outcomes } = await send(target, instances, { associations: Number(associations), log: openLog('warn') });
if (outcomes.some(({ status }) => status !== 0)) throw new Error('an instance was not accepted');
