// The paths of the spool. Only this room knows them; other rooms name a series, a revision, a task, a peer.
import { join } from 'node:path';
import type { Key } from './key.js';

/** Name under which originals are forwarded: takes the place of a task. */
export const originals = 'originals';

/** Whether a name in a folder of deliveries says that a batch has begun; of each process there is one. */
export const isBegun = (name: string): boolean => name.startsWith('begun-');

/** Whether a name in a series' folder of promises is that of one. */
export const isPromise = (name: string): boolean => /^[^.].*\.json$/.test(name);

export class Layout {
  readonly root: string;
  constructor(root: string) {
    this.root = root;
  }
  get description(): string {
    return join(this.root, 'spool.json');
  }
  get receiverLock(): string {
    return join(this.root, 'receiver.lock');
  }
  /** Its time is that of the last look at the clock. */
  get clockSeen(): string {
    return join(this.root, 'clock-seen');
  }
  /** Its time is that of a leap of the clock. */
  get clockLeapt(): string {
    return join(this.root, 'clock-leapt');
  }
  get reserve(): string {
    return join(this.root, 'reserve');
  }
  get tmp(): string {
    return join(this.root, 'tmp');
  }
  get active(): string {
    return join(this.root, 'active');
  }
  get seriesRoot(): string {
    return join(this.root, 'series');
  }
  get queue(): string {
    return join(this.root, 'queue');
  }
  get config(): string {
    return join(this.root, 'config');
  }
  get made(): string {
    return join(this.root, 'made');
  }
  get seen(): string {
    return join(this.root, 'seen');
  }
  series(key: Key): string {
    return join(this.seriesRoot, key.slice(0, 2), key);
  }
  instances(key: Key): string {
    return join(this.series(key), 'instances');
  }
  instance(key: Key, file: string): string {
    return join(this.instances(key), `${file}.dcm`);
  }
  /** Instance files that nobody can read. */
  damaged(key: Key): string {
    return join(this.series(key), 'damaged');
  }
  actions(key: Key): string {
    return join(this.series(key), 'actions');
  }
  revision(key: Key, revision: number): string {
    return join(this.series(key), `r${revision}`);
  }
  attempts(key: Key, revision: number, task: string): string {
    return join(this.revision(key, revision), 'attempts', task);
  }
  results(key: Key, revision: number): string {
    return join(this.revision(key, revision), 'results');
  }
  result(key: Key, revision: number, task: string): string {
    return join(this.results(key, revision), task);
  }
  /** The revision was done once: what is told of that has been told. */
  done(key: Key, revision: number): string {
    return join(this.revision(key, revision), 'done');
  }
  swept(key: Key, revision: number): string {
    return join(this.revision(key, revision), 'swept.json');
  }
  objects(key: Key, revision: number, task: string): string {
    return join(this.result(key, revision, task), 'objects');
  }
  /** Pictures of where what was taken away looks like noise, one an image. */
  maps(key: Key, revision: number, task: string): string {
    return join(this.result(key, revision, task), 'maps');
  }
  /** Patient and study of a result, without pixels: what a withdrawal is made of when the objects are swept. */
  study(key: Key, revision: number, task: string): string {
    return join(this.result(key, revision, task), 'study.dcm');
  }
  /** Messages for the audit repository. */
  get audit(): string {
    return join(this.root, 'audit');
  }
  /** Transactions in which this node is asked to commit itself. */
  get promises(): string {
    return join(this.root, 'promises');
  }
  promise(transaction: string): string {
    return join(this.promises, transaction);
  }
  /** What peers with a quota have stored. */
  get tallies(): string {
    return join(this.root, 'tallies');
  }
  /** What this node has promised of a series. */
  promisesOf(key: Key): string {
    return join(this.series(key), 'promises');
  }
  get commitmentIndex(): string {
    return join(this.root, 'commitments');
  }
  commitments(key: Key, revision: number, task: string, peer: string): string {
    return join(this.revision(key, revision), 'commitments', `${task}@${peer}`);
  }
  deliveries(key: Key, revision: number, task: string, peer: string): string {
    return join(this.revision(key, revision), 'deliveries', `${task}@${peer}`);
  }
  begun(key: Key, revision: number, task: string, peer: string, process: string): string {
    return join(this.deliveries(key, revision, task, peer), `begun-${process}`);
  }
}
