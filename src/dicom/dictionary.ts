// The data dictionary (PS3.6), read from dcmjs' tables.
import { createRequire } from 'node:module';
import type dcmjs from 'dcmjs';

type Dcmjs = typeof dcmjs;
let loaded: Dcmjs | null = null;

/** Loaded by the first look-up: that takes a third of the start of a program that only sends, which asks for nothing of it. */
function tables(): Dcmjs['data']['DicomMetaDictionary'] {
  const { data }: Dcmjs = (loaded ??= createRequire(import.meta.url)('dcmjs'));
  return data.DicomMetaDictionary;
}

/** dcmjs marks retired attributes in their names. */
const retired = 'RETIRED_';

interface Entry {
  readonly keyword: string;
  readonly vr: string;
}
const unknown: Entry = { keyword: '', vr: 'UN' };
const entries = new Map<number, Entry>();

function entryOf(tag: number): Entry {
  if (isPrivate(tag)) return lookUp(tag);
  let entry = entries.get(tag);
  if (entry === undefined) {
    entry = lookUp(tag);
    // what no table knows is not kept: peers may name any number of such tags
    if (entry !== unknown) entries.set(tag, entry);
  }
  return entry;
}

function lookUp(tag: number): Entry {
  const element = tag & 0xffff;
  if (isPrivate(tag)) return element >= 0x10 && element <= 0xff ? { keyword: '', vr: 'LO' } : unknown;
  if (element === 0) return { keyword: '', vr: 'UL' };
  const found = tables().dictionary[tagText(tag)];
  return found === undefined
    ? unknown
    : { keyword: found.name.replace(retired, ''), vr: found.vr === 'up' ? 'UL' : found.vr };
}

/** `(0008,0018)`. */
export function tagText(tag: number): string {
  const hex = tag.toString(16).toUpperCase().padStart(8, '0');
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}

/** Odd group: a private element. */
export function isPrivate(tag: number): boolean {
  return (tag & 0x10000) !== 0;
}

/** Tag of an attribute by its keyword (PS3.6), or undefined. */
export function tagOf(keyword: string): number | undefined {
  const { nameMap } = tables();
  // `constructor` and the like are names that every object has, and none of the dictionary's
  const name = [keyword, retired + keyword].find((candidate) => Object.hasOwn(nameMap, candidate));
  const found = name === undefined ? undefined : nameMap[name];
  return found === undefined ? undefined : Number.parseInt(found.tag.slice(1, 5) + found.tag.slice(6, 10), 16);
}

/** Keyword of a standard attribute; undefined for private and unknown ones. */
export function keywordOf(tag: number): string | undefined {
  return entryOf(tag).keyword || undefined;
}

/**
 * VR of a tag: two capital letters, UN where unknown. Three answers stand for a choice that the data set decides: `xs` (US or SS,
 * by Pixel Representation), `ox` (OB or OW), `lt` (US or OW).
 */
export function vrOf(tag: number): string {
  return entryOf(tag).vr;
}

/** Every keyword of a standard attribute, retired ones with them. */
export function keywords(): string[] {
  return Object.keys(tables().nameMap).map((name) => (name.startsWith(retired) ? name.slice(retired.length) : name));
}
