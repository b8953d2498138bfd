// What a program asks of the disk, in order: in a child of plain node whose file system calls write down that they have ended.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { withFolder } from './temporary.js';

/** Loaded before anything else, in threads too; all append to one file. Folders are told by their names. */
const spy = `
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
const append = fs.appendFileSync;
globalThis.say = (what) => append(process.env.DISK_ORDER, what + '\\n');
const { fdatasyncSync, fsyncSync, linkSync } = fs;
const { link } = promises;
const nameOf = (fd) => basename(fs.readlinkSync('/proc/self/fd/' + fd));
fs.fdatasyncSync = (fd) => { fdatasyncSync(fd); say('data'); };
fs.fsyncSync = (fd) => { fsyncSync(fd); say('folder ' + nameOf(fd)); };
fs.linkSync = (...args) => { linkSync(...args); say('name'); };
promises.link = async (...args) => { await link(...args); say('name'); };
const handle = await promises.open(process.execPath);
const { sync, datasync } = Object.getPrototypeOf(handle);
await handle.close();
Object.assign(Object.getPrototypeOf(handle), {
  async sync() {
    const of = nameOf(this.fd);
    await sync.call(this);
    say('folder ' + of);
  },
  async datasync() {
    await datasync.call(this);
    say('data');
  },
});
syncBuiltinESMExports();
`;

/**
 * Runs an ES module.
 *
 * @param program may call `say(word)`
 * @returns words of the program, and `data`, `name`, `folder NAME` as each of these was synced, or made
 */
export function diskOrder(program: string): Promise<readonly string[]> {
  return withFolder(async (folder) => {
    const [file, preload] = [join(folder, 'order'), join(folder, 'spy.mjs')];
    await writeFile(preload, spy);
    // By the variable: threads that are started without arguments read it too.
    const env = { ...process.env, DISK_ORDER: file, NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` };
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
    return (await readFile(file, 'utf8')).trimEnd().split('\n');
  });
}

/** The address of a module of the compiled program, by its path below `src`. */
export const moduleOf = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;
