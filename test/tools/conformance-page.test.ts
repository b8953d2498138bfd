import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { attributes } from '../../src/derive/attributes.js';
import { decideAnswer } from '../../src/deliver/decide-stow.js';
import { privateElements } from '../../src/derive/private-block.js';
import { decodableSyntaxes, keptSyntaxes } from '../../src/io/dimse/constants.js';
import { deliveryRule, rejectionKind } from '../../src/io/dimse/status.js';
import { derivedClasses, sopClasses, transferSyntax } from '../../src/dicom/uids.js';
import { reasons } from '../../src/errors.js';

const page = await readFile(new URL('../../../docs/conformance-statement.md', import.meta.url), 'utf8');
const section = (title: string): string => page.split(/^##+ /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, part]) => part ?? '');

describe('the conformance statement', () => {
  it('names the transfer syntaxes that are accepted, and no other', () => {
    const named = found(section('Transfer syntaxes'), /^\| `([\d.]+)` \|/gm);
    expect(new Set(named)).toEqual(new Set([...decodableSyntaxes, ...keptSyntaxes]));
    expect(named.length).toBe(decodableSyntaxes.size + keptSyntaxes.size);
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

  it('tells of every status what the sender makes of it, and how often it is tried', () => {
    const rows = found(section('Storage SCU'), /^\| ((?:[0-9A-F]{4}|any other).*) \|$/gm).map((row) =>
      row.split(' | '),
    );
    for (let status = 0; status <= 0xffff; status += 1) {
      const row = rows.find(([range = '']) => {
        const [from = Number.NaN, to = from] = range.split(' to ').map((part) => Number.parseInt(part, 16));
        return range !== 'any other' && status >= from && status <= to;
      });
      const [, name, tried = ''] = row ?? rows.at(-1) ?? [];
      const rule = deliveryRule(status);
      const often = rule.class === 'transient' ? (rule.tries ?? 'until') : '';
      if (name !== rule.class || tried.split(' ')[0]?.replaceAll('`', '') !== String(often))
        throw new Error(`${status.toString(16)}: page says ${name}, ${tried}`);
    }
    expect(rows.length).toBeGreaterThan(15);
  });

  it('tells how long a refused association is asked for', () => {
    const said = found(section('Refusals'), /^\| (\d\/\d\/\d \| .*) \|$/gm).map((row) => row.split(' | '));
    const kinds = { refused: 'tries again', unrecognized: 'tries again, for 1 h', operator: 'gives up' };
    for (const [which = '', , does] of said) {
      const [result = 0, source = 0, reason = 0] = which.split('/').map(Number);
      expect([which, does]).toEqual([which, kinds[rejectionKind({ result, source, reason })]]);
    }
    expect(said.length).toBeGreaterThan(5);
  });

  it('tells of every HTTP status what becomes of an instance', () => {
    const rows = found(section('Web services'), /^\| ((?:\d{3}|any other).*) \|$/gm).map((row) => row.split(' | '));
    const words = { read: 'what the body says', syntax: 'sent once more', split: '' };
    for (let status = 200; status < 600; status++) {
      const row = rows.find(([range = '']) => {
        const [from = Number.NaN, to = from] = range.split(' to ').map(Number);
        return status >= from && status <= to;
      });
      const said = (row ?? rows.find(([range]) => range === `any other ${String(status)[0]}xx`))?.[1] ?? '';
      const decision = decideAnswer(status, 1);
      const expected =
        decision.kind === 'instance'
          ? decision.class
          : decision.kind === 'failure'
            ? { refused: 'the server takes nothing now', other: 'a person' }[
                decision.failure.pace === 'refused' ? 'refused' : 'other'
              ]
            : words[decision.kind];
      expect([status, said]).toEqual([status, expect.stringContaining(expected)]);
    }
  });

  it('names every gate code with what becomes of the series, and what may be lifted', () => {
    const rows = found(section('Input gate'), /^\| (`[A-Z_]+` .*) \|$/gm).map((row) => row.split(' | '));
    const said = rows.map(([name = '', , verdict, lift]) => [name.replaceAll('`', ''), verdict?.split(' ')[0], lift]);
    const words = { skip: 'skipped', hold: 'held', warn: 'enhanced,' };
    const ofGate = Object.entries(reasons).filter(([name]) => !/^(SUPERSEDED|WITHHELD|POISON)$/.test(name));
    expect(said).toEqual(ofGate.map(([name, { verdict, lift }]) => [name, words[verdict], lift ? 'yes' : '']));
  });

  it('names every class that objects are made of', () => {
    const overview = section('Overview');
    for (const uid of [...derivedClasses, sopClasses.keyObjectSelection]) expect(overview).toContain(`\`${uid}\``);
  });

  it('has the chapters of PS3.2 in their order', () => {
    const chapters = found(page, /^## (.*)$/gm);
    const expected = [
      'Overview',
      'Introduction',
      'Implementation model',
      'Associations',
      'Network interfaces',
      'Configuration',
      'Media interchange',
      'Character sets',
      'Security',
      'Derived objects',
    ];
    expect(chapters.filter((chapter) => expected.includes(chapter))).toEqual(expected);
  });
});
