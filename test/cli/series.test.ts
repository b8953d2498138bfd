import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { seriesCommands } from '../../src/cli/series.js';
import { keyOf } from '../../src/spool/key.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { seriesSummary } from '../../src/spool/view.js';
import { decisionRecord, key, outcomeRecord, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const judge = { givenUp: () => false, wait: () => null };
const options = { config: '', json: false };

const name = outcomeRecord([]).task;

describe('the list of series', () => {
  it('is of those that stand so, as many as are asked for', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const told: string[] = [];
      const output = { out: (text: string) => void told.push(text), err: () => undefined, terminal: false };
      const commands = seriesCommands((_, __, body) => body(spool, judge), { user: 'me', now: Date.now }, output);
      const held = { tasks: [], held: [{ code: 'NO_RULE', detail: '' } as const] };
      try {
        for (const series of ['1.2.3.4', '1.2.3.5', '1.2.3.6']) {
          const one = { key: keyOf('1.2.3', series), seriesInstanceUid: series };
          await spool.publishRevision(seriesRecord(1, ['1.1'], one));
          await spool.active.mark(one.key);
          if (series !== '1.2.3.4') await spool.publishDecision(decisionRecord(1, { key: one.key, ...held }));
        }
        const states = async (asked: { state?: 'held' | 'routing' | 'done'; limit: number }): Promise<unknown> => {
          await commands.list({ config: '', json: true, ...asked });
          return z
            .array(seriesSummary)
            .parse(JSON.parse(told.pop() ?? ''))
            .map(({ state }) => state);
        };
        expect(await states({ state: 'held', limit: 50 })).toEqual(['held', 'held']);
        expect(await states({ state: 'held', limit: 1 })).toEqual(['held']);
        expect(await states({ state: 'routing', limit: 1 })).toEqual(['routing']);
        expect(await states({ limit: 2 })).toHaveLength(2);
        await commands.list({ config: '', json: false, state: 'done', limit: 50 });
        expect(told).toEqual(['no series is done']);
      } finally {
        await spool.close();
      }
    });
  });
});

describe('a series of a command', () => {
  it('that no rule matches goes nowhere when it is released, and whoever asks for it is told', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const told: string[] = [];
      const output = { out: (text: string) => void told.push(text), err: () => undefined, terminal: false };
      const commands = seriesCommands((_, __, body) => body(spool, judge), { user: 'me', now: Date.now }, output);
      try {
        await spool.publishRevision(seriesRecord(1, ['1.1']));
        await spool.publishDecision(decisionRecord(1, { tasks: [], held: [{ code: 'NO_RULE', detail: '' }] }));
        await commands.act(key, { kind: 'release', config: '', why: '' });
        expect(told.at(-1)).toContain(`limpid series requeue ${key}`);
        await commands.show(key, options);
        expect(told.at(-1)).toContain('done: Nothing was made of it or sent: no rule matches the series.');
      } finally {
        await spool.close();
      }
    });
  });

  it('is found by a UID without the state of any other being read', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const told: string[] = [];
      const output = { out: (text: string) => void told.push(text), err: () => undefined, terminal: false };
      const commands = seriesCommands((_, __, body) => body(spool, judge), { user: 'me', now: Date.now }, output);
      const read = new Set<string>();
      const state = spool.state.bind(spool);
      spool.state = (one) => {
        read.add(one);
        return state(one);
      };
      try {
        for (let index = 0; index < 5; index += 1) {
          const one = { key: keyOf('1.2.3', `1.2.3.${index}`), seriesInstanceUid: `1.2.3.${index}` };
          await spool.publishRevision(seriesRecord(1, [`1.1.${index}`], one));
        }
        await commands.show('1.2.3.2', options);
        expect(told.pop()).toMatch(new RegExp(`^${keyOf('1.2.3', '1.2.3.2')}  `));
        expect(read).toEqual(new Set([keyOf('1.2.3', '1.2.3.2')]));
      } finally {
        await spool.close();
      }
    });
  });

  it('is named by its key, the beginning of that, its UID, or the UID of what was made of it', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const told: string[] = [];
      const output = { out: (text: string) => void told.push(text), err: () => undefined, terminal: false };
      const commands = seriesCommands((_, __, body) => body(spool, judge), { user: 'me', now: Date.now }, output);
      try {
        await spool.publishRevision(seriesRecord(1, ['1.1']));
        await spool.publishDecision(decisionRecord(1));
        await spool.recordAttempt(key, 1, name);
        await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null);
        for (const said of [key, key.slice(0, 4), '1.2.3.4', '2.25.1']) {
          await commands.show(said, options);
          expect(told.pop()).toMatch(new RegExp(`^${key}  `));
        }
        for (const said of ['1.2.3', '2.25', key.slice(0, 3)])
          await expect(commands.show(said, options)).rejects.toMatchObject({ code: 'SPOOL_UNKNOWN_SERIES' });
        await expect(commands.show(key.slice(0, 3), options)).rejects.toThrow('4 letters at least');
      } finally {
        await spool.close();
      }
    });
  });
});
