// Nothing is answered before it would outlive a loss of power: bytes, then the name, then the folders, then the answer.
import { describe, expect, it } from '@jest/globals';
import { diskOrder, moduleOf } from '../support/disk-order.js';
import { withFolder } from '../support/temporary.js';

const receiving = (directory: string, sync: 'always' | 'never'): string => `
  import { writeFileMeta } from ${JSON.stringify(moduleOf('dicom/part10.js'))};
  import { openSpool } from ${JSON.stringify(moduleOf('spool/open-spool.js'))};
  import { keyOf } from ${JSON.stringify(moduleOf('spool/key.js'))};
  const open = (host) => openSpool({ directory: ${JSON.stringify(directory)}, sync: '${sync}', host, now: Date.now });
  const key = keyOf('2.25.1', '2.25.2');
  // Of another host, as it would have another temporary folder: one that both removed as they close would not be empty for the first.
  const [own, others] = [await open('own'), await open('others')];
  for (const [spool, sopInstanceUid] of [[own, '1.1'], [own, '1.2'], [others, '1.3']]) {
    const identity = { sopClassUid: '1.2.840.10008.5.1.4.1.1.2', sopInstanceUid, transferSyntaxUid: '1.2.840.10008.1.2.1' };
    const incoming = spool.instances.begin(writeFileMeta(identity));
    incoming.write(new Uint8Array(2_000_000));
    say('begin');
    await spool.instances.publish(key, incoming, identity, new Map());
    say('answer');
  }
  await Promise.all([own.close(), others.close()]);
`;

/** Two instances of a new series at once: the first makes its folders, and the disk is slow to keep the uppermost of them. */
const twoAtOnce = (directory: string): string => `
  import promises from 'node:fs/promises';
  import { readlinkSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { writeFileMeta } from ${JSON.stringify(moduleOf('dicom/part10.js'))};
  import { openSpool } from ${JSON.stringify(moduleOf('spool/open-spool.js'))};
  import { keyOf } from ${JSON.stringify(moduleOf('spool/key.js'))};
  const spool = await openSpool({ directory: ${JSON.stringify(directory)}, sync: 'always', host: 'test', now: Date.now });
  const handle = await promises.open(process.execPath);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const { sync } = prototype;
  let isSlow = () => undefined;
  const slow = new Promise((resolve) => (isSlow = resolve));
  prototype.sync = async function () {
    if (readlinkSync('/proc/self/fd/' + this.fd).endsWith('/series')) {
      isSlow();
      await sleep(1000);
    }
    return sync.call(this);
  };
  const publish = async (sopInstanceUid) => {
    const identity = { sopClassUid: '1.2.840.10008.5.1.4.1.1.2', sopInstanceUid, transferSyntaxUid: '1.2.840.10008.1.2.1' };
    const incoming = spool.instances.begin(writeFileMeta(identity));
    incoming.write(new Uint8Array(1000));
    await spool.instances.publish(keyOf('2.25.1', '2.25.2'), incoming, identity, new Map());
    say('answer ' + sopInstanceUid);
  };
  const first = publish('1.1');
  await slow;
  say('second');
  await Promise.all([first, publish('1.2')]);
  await spool.close();
`;

/** What went before each answer, since the instance began. */
function beforeAnswers(order: readonly string[]): (readonly string[])[] {
  return order
    .join(' ; ')
    .split('begin ; ')
    .slice(1)
    .map((part) => part.split(' ; answer')[0]?.split(' ; ') ?? []);
}

describe('an instance is answered', () => {
  it('when its bytes, its name, its folders and the mark of its series are on the disk', async () => {
    await withFolder(async (directory) => {
      const [first = [], second = [], ofOthers = []] = beforeAnswers(await diskOrder(receiving(directory, 'always')));
      for (const steps of [first, second, ofOthers]) {
        expect(steps.indexOf('data')).toBeGreaterThanOrEqual(0);
        expect(steps.indexOf('name')).toBeGreaterThan(steps.lastIndexOf('data'));
        expect(steps.lastIndexOf('folder instances')).toBeGreaterThan(steps.indexOf('name'));
      }
      // The first of a series: the folders that were made for it, up to the one that was there, and the mark.
      expect(first.filter((step) => step.startsWith('folder ')).length).toBeGreaterThanOrEqual(4);
      expect(first.indexOf('folder series')).toBeGreaterThanOrEqual(0);
      expect(first.indexOf('folder active')).toBeGreaterThan(first.indexOf('name'));
      // A mark that another process has made may not be on the disk yet.
      expect(second).not.toContain('folder active');
      expect(ofOthers.indexOf('folder active')).toBeGreaterThan(ofOthers.indexOf('name'));
    });
  }, 120_000);

  it('when the folders that another instance has made for it are on the disk too', async () => {
    await withFolder(async (directory) => {
      const order = await diskOrder(twoAtOnce(directory));
      const begun = order.indexOf('second');
      expect(begun).toBeGreaterThanOrEqual(0);
      expect(order.indexOf('name', begun)).toBeGreaterThan(begun);
      expect(order.indexOf('folder series', begun)).toBeGreaterThan(begun);
      expect(order.indexOf('answer 1.2')).toBeGreaterThan(order.indexOf('folder series', begun));
    });
  }, 120_000);

  it('without any of that where the configuration says so', async () => {
    await withFolder(async (directory) => {
      const parts = beforeAnswers(await diskOrder(receiving(directory, 'never')));
      expect(parts.map((steps) => [...steps])).toEqual([['name'], ['name'], ['name']]);
    });
  }, 120_000);
});
