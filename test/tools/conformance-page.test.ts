import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { attributes } from '../../src/derive/attributes.js';
import { privateElements } from '../../src/derive/private-block.js';
import { decodableSyntaxes, videoSyntaxes } from '../../src/io/dimse/constants.js';
import { deliveryRule } from '../../src/io/dimse/status.js';
import { transferSyntax } from '../../src/dicom/uids.js';

const page = await readFile(new URL('../../../docs/conformance-statement.md', import.meta.url), 'utf8');
const section = (title: string): string => page.split(/^##+ /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, part]) => part ?? '');

describe('the conformance statement', () => {
  it('names the transfer syntaxes that are accepted, and no other', () => {
    const named = found(section('Transfer syntaxes'), /^\| `([\d.]+)` \|/gm);
    expect(new Set(named)).toEqual(new Set([...decodableSyntaxes, ...videoSyntaxes]));
    expect(named.length).toBe(decodableSyntaxes.size + videoSyntaxes.size);
  });

  it('says that a syntax can be enhanced where limpid has a decoder for it', () => {
    for (const uid of decodableSyntaxes)
      expect([uid, transferSyntax(uid)?.coding ?? 'none']).not.toEqual([uid, 'none']);
  });

  it('names every attribute of the table and every element of the private block', () => {
    const named = found(section('Attributes'), /(\w+) \([0-9A-F]{4},[0-9A-F]{4}\)/g);
    expect(named.sort()).toEqual(attributes.map(({ keyword }) => keyword).sort());
    expect(found(section('Private block'), /^\| `\(0177,xx([0-9A-F]{2})\)`/gm)).toHaveLength(
      Object.keys(privateElements).length,
    );
  });

  it('tells of every status what the sender makes of it', () => {
    const rows = found(section('Storage SCU'), /^\| ((?:[0-9A-F]{4}|any other).*) \|$/gm).map((row) =>
      row.split(' | '),
    );
    for (let status = 0; status <= 0xffff; status += 1) {
      const row = rows.find(([range = '']) => {
        const [from = Number.NaN, to = from] = range.split(' to ').map((part) => Number.parseInt(part, 16));
        return range !== 'any other' && status >= from && status <= to;
      });
      const [, name] = row ?? rows.at(-1) ?? [];
      if (name !== deliveryRule(status).class) throw new Error(`${status.toString(16)}: page says ${name}`);
    }
    expect(rows.length).toBeGreaterThan(15);
  });
});
