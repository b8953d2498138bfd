import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openApi } from '../../src/admin/openapi.js';
import { seriesAction } from '../../src/admin/ports.js';
import { routes } from '../../src/admin/routes.js';
import { series } from './node.js';

const golden = new URL('../../../docs/openapi.json', import.meta.url);

describe('OpenAPI description', () => {
  it('is the one in docs/openapi.json (`npm run docs` writes it)', async () => {
    expect(JSON.parse(await readFile(golden, 'utf8'))).toMatchObject(openApi());
  });

  it('has every route, and points to nothing that is not there', () => {
    const { paths, components } = openApi();
    expect(Object.keys(paths).sort()).toEqual([...new Set(routes.map(({ path }) => path))].sort());
    const names = new Set(Object.keys(components.schemas));
    const pointers = [...JSON.stringify(openApi()).matchAll(/"\$ref":"([^"]+)"/g)].map(([, pointer]) => pointer ?? '');
    expect(pointers.length).toBeGreaterThan(10);
    for (const pointer of pointers) {
      expect(pointer).toMatch(/^#\/components\/schemas\//);
      expect(names).toContain(pointer.slice('#/components/schemas/'.length));
    }
  });

  it('lists what an action is refused with by its size, and on a full volume', () => {
    const { responses } = Object(openApi().paths['/api/series/{key}/actions']?.['post']);
    expect(Object.keys(responses)).toEqual([
      '202',
      '400',
      '403',
      '404',
      '409',
      '413',
      '415',
      '421',
      '500',
      '503',
      '507',
    ]);
  });

  it('has schemas by which a validator of another make judges alike', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'limpid', components: openApi().components });
    const validSeries = ajv.compile({ $ref: 'limpid#/components/schemas/Series' });
    expect([validSeries(series), validSeries.errors]).toEqual([true, null]);
    expect(validSeries({ ...series, state: 'lost' })).toBe(false);
    const validAction = ajv.compile({ $ref: 'limpid#/components/schemas/Action' });
    for (const action of [
      { kind: 'hold' },
      { kind: 'prioritise', priority: 'urgent' },
      { kind: 'hold', peer: 'x' },
      {},
    ])
      expect(validAction(action)).toBe(seriesAction.safeParse(action).success);
  });
});
