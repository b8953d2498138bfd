// A spool volume without a free byte: every instance is refused as out of resources, and taken again when there is room.
import { hostname } from 'node:os';
import { rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openSpool } from '../../src/spool/open-spool.js';
import { associateRequest, commandPdu, dataPdu, dataSet, storeRequest } from '../support/dimse-bytes.js';
import { scriptedPeer } from '../support/scripted-peer.js';
import { openQuietStore } from '../support/store-service.js';
import { openTestScp } from '../support/test-scp.js';
import { mayMount, openVolume } from '../support/volume.js';

(mayMount() ? it : it.skip)('a full volume (a user who may mount)', async () => {
  const volume = openVolume(24);
  const directory = join(volume?.path ?? '', 'spool');
  const spool = await openSpool({ directory, sync: 'always', host: hostname(), now: Date.now });
  const service = openQuietStore(spool, () => ({ kind: 'none' })); // nobody has noticed yet
  const { scp } = await openTestScp({ service });
  try {
    const peer = await scriptedPeer(scp.port);
    peer.send(associateRequest());
    let sent = 0;
    // of a series of its own, whose folders must be made, or of the first
    const store = async (seriesInstanceUid: string, pixelBytes: number) => {
      const sopInstanceUid = `1.2.3.${++sent}`;
      const bytes = dataSet({ sopInstanceUid, seriesInstanceUid, pixelBytes });
      peer.send(commandPdu(1, storeRequest(sopInstanceUid, { messageId: sent })), dataPdu(1, bytes));
      await peer.until(sent + 1);
      return peer.responses.at(-1)?.status?.toString(16);
    };
    expect(await store('1.2.3.5', 40_000)).toBe('0');
    const filler = (await volume?.fill()) ?? '';
    for (const pixels of [0, 2_000, 100_000]) {
      expect(await store('1.2.3.5', pixels)).toBe('a700');
      expect(await store(`1.2.4.${pixels}`, pixels)).toBe('a700');
    }
    // Room for the bytes of a small instance, and then for the first folders of its series, but not for all.
    const { size } = await stat(filler);
    const answers = new Set<string | undefined>();
    for (let blocks = 1; blocks <= 24; blocks++) {
      await truncate(filler, size - blocks * 1024);
      answers.add(await store(`1.2.5.${blocks}`, 0));
    }
    expect([...answers].filter((answer) => answer !== '0')).toEqual(['a700']);
    await rm(filler);
    expect(await store('1.2.3.5', 100_000)).toBe('0');
    expect(await store('1.2.4.0', 100_000)).toBe('0');
    peer.destroy();
  } finally {
    await scp.close();
    await spool.close();
    volume?.remove();
  }
});
