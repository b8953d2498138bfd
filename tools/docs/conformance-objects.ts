// The conformance statement's sections on what limpid makes: derived objects, the input gate, documents that withdraw.
import { fileURLToPath } from 'node:url';
import { attributes, institutionKeywords } from '../../src/derive/attributes.js';
import type { Action } from '../../src/derive/attributes.js';
import { privateCreator, privateElements, privateGroup } from '../../src/derive/private-block.js';
import { keptPrivate } from '../../src/derive/private-elements.js';
import { sourcePurpose } from '../../src/derive/references.js';
import { withdrawalModifiers, withdrawalTitles } from '../../src/derive/withdrawal-document.js';
import { colours } from '../../src/dicom/colour.js';
import { derivedClasses, sopClasses } from '../../src/dicom/uids.js';
import { reasons } from '../../src/errors.js';
import { openRegistry } from '../../src/inference/registry.js';
import { code, table } from './markdown.js';

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
const tag = (value: number): string => `(${hex(value >>> 16, 4)},${hex(value & 0xffff, 4)})`;

/** Names of PS3.6 Annex A for the classes that limpid makes objects of. */
const classNames: Readonly<Record<string, string>> = {
  [sopClasses.ct]: 'CT Image Storage',
  [sopClasses.enhancedCt]: 'Enhanced CT Image Storage',
  [sopClasses.legacyConvertedCt]: 'Legacy Converted Enhanced CT Image Storage',
  [sopClasses.mr]: 'MR Image Storage',
  [sopClasses.enhancedMr]: 'Enhanced MR Image Storage',
  [sopClasses.legacyConvertedMr]: 'Legacy Converted Enhanced MR Image Storage',
  [sopClasses.us]: 'Ultrasound Image Storage',
  [sopClasses.usMultiFrame]: 'Ultrasound Multi-frame Image Storage',
  [sopClasses.keyObjectSelection]: 'Key Object Selection Document Storage',
};

/** @throws Error for a class that has no name here: give it one */
function classRow(uid: string, what: string): string[] {
  const name = classNames[uid];
  if (name === undefined) throw new Error(`no name for SOP class ${uid}`);
  return [name, code(uid), what];
}

/** SOP classes of what limpid makes. */
export const madeClasses = (): string =>
  table(
    ['SOP class', 'UID', 'made'],
    [
      ...[...derivedClasses].map((uid) => classRow(uid, 'derived objects, of sources of this class')),
      classRow(sopClasses.keyObjectSelection, 'documents that withdraw a derived series'),
    ],
  );

const verbs: Readonly<Record<Action, string>> = {
  replaced: 'replaced, where limpid has a value; else removed',
  added: 'added or replaced',
  removed: 'removed',
  kept: 'kept byte for byte',
};

const configured = new Map<string, string>(
  institutionKeywords.flatMap(({ keyword, code: also }) => [
    [keyword, `${verbs.kept}; the site's where \`node.institution\` names one`],
    ...(also === null ? [] : [[also, `${verbs.kept}; removed where \`node.institution\` replaces the words`] as const]),
  ]),
);

function attributeRows(): string[][] {
  const order: readonly Action[] = ['replaced', 'added', 'removed', 'kept'];
  return order.flatMap((action) =>
    attributes
      .filter((rule) => rule.action === action)
      .toSorted((a, b) => a.tag - b.tag)
      .map(({ keyword, tag: number }) => [`${keyword} ${tag(number)}`, configured.get(keyword) ?? verbs[action]]),
  );
}

function gateRows(): string[][] {
  const verdicts = { skip: 'skipped', hold: 'held for a person', warn: 'enhanced, with a warning' } as const;
  return Object.entries(reasons)
    .filter(([name]) => !['SUPERSEDED', 'WITHHELD', 'POISON'].includes(name))
    .map(([name, { verdict, lift, says }]) => [code(name), says, verdicts[verdict], lift ? 'yes' : '']);
}

async function codeRows(): Promise<string[][]> {
  const registry = await openRegistry(fileURLToPath(new URL('../../../models/', import.meta.url)));
  const rows = registry.list().flatMap(({ id, codes }) => codes.map(({ value, scheme, meaning }) => ({ id, value, scheme, meaning })));
  const names = [...new Set(rows.map(({ value, scheme }) => `${value}|${scheme}`))];
  return names.map((name) => {
    const [value = '', scheme = ''] = name.split('|');
    const same = rows.filter((row) => row.value === value && row.scheme === scheme);
    return [code(value), scheme, same[0]?.meaning ?? '', same.map(({ id }) => id).join(', ')];
  });
}

function withdrawalRows(): string[][] {
  const row = (what: string, given: { readonly value: string; readonly scheme: string; readonly meaning: string }): string[] => [
    what,
    code(given.value),
    given.scheme,
    given.meaning,
  ];
  return [
    row('title, `--reason quality`', withdrawalTitles.quality),
    row('title, `--reason safety`', withdrawalTitles.safety),
    ...Object.entries(withdrawalModifiers).map(([name, given]) => row(`modifier of quality, \`--because ${name}\``, given)),
  ];
}

/** The annexes of the statement: what the objects hold. */
export async function objectSections(): Promise<string[]> {
  return [
    '## Derived objects',
    'A derived series is a new series in the study of its source: one object for each source object, of the same SOP class, in the same frame of reference. The source is never changed. UIDs are under 2.25 (PS3.5 B.2), made by hashing source, model, settings and pipeline, so that making a series again makes the same UIDs. Image Type begins DERIVED; in single-frame classes its last value is LIMPID, in multi-frame ones its four values are those of PS3.3 C.8.16.1. Series Number is the source\'s x 100 + the number of the task; where the source has none, 0, a negative one or one above 21474835, 9000 + the number of the task. The text says what was done: Series Description (`limpid DN ...`), Derivation Description, Image Comments. Content Qualification is RESEARCH unless the node is configured otherwise, the card of the model says PRODUCT, and the source does not say RESEARCH. limpid is the Equipment; the scanner and the model are items of Contributing Equipment Sequence. Number and description of a series whose instances disagree are those of its first slice. No element identifies a person beyond what the source has.',
    'Of MR no pixel is written below 0, of slope x stored + intercept, where the source image has none below it, padding aside: a magnitude is never negative. MR whose rescale puts its pixels far below 0, or leaves them no value near it, is no magnitude.',
    `Of ultrasound only grey tissue changes, within the two-dimensional tissue regions that the object names and outside every other region (colour box, spectrum, M-mode, trace); colour, and text and calipers in colour or in full white, keep the values that its decoder gives; what is drawn in the greys of tissue is taken for tissue. These photometric interpretations are read: MONOCHROME1, MONOCHROME2, ${colours.join(', ')}; YBR is written as RGB, pixel by pixel. Refused are: palettes, ultrasound in MONOCHROME1 or of more than 8 bits, YBR_PARTIAL_422 and YBR_PARTIAL_420 (retired, or of video), frames whose code stream says another colour than the data set, regions that reach beyond the image, and images with more than a thousandth of the tissue in colour. What was compressed with loss keeps its history (0028,2110 to 0028,2114).`,
    'Before it is kept each object is read back and checked against its source: identity, kept and removed attributes, derivation, equipment, private block, form of values, pixels; then the series as a whole. An object with a fault is not sent.',
    '### Attributes',
    'Every attribute that is not named here is kept as in the source. Group lengths, curves, overlays within pixel data and private elements are removed, but for the private ones below; on a finer grid all overlays and a display shutter too.',
    table(['attribute', 'in the derived object'], attributeRows()),
    '### Input gate',
    'Series that are not enhanced, and why. The originals go where the rule says all the same. *may be lifted*: a rule may say so with `lift`.',
    table(['code', 'condition', 'the series is', 'may be lifted'], gateRows()),
    '### Codes',
    `Derivation Code Sequence gains the items of the model; Purpose of Reference Code of Source Image Sequence is (${sourcePurpose.value}, ${sourcePurpose.scheme}, "${sourcePurpose.meaning}"). 99LIMPID is limpid's private coding scheme.`,
    table(['value', 'scheme', 'meaning', 'models'], await codeRows()),
    '### Private block',
    `Group ${hex(privateGroup, 4)}, private creator ${code(privateCreator)}; Private Data Element Characteristics Sequence says that it holds no identifying information.`,
    table(
      ['element', 'VR', 'holds'],
      Object.entries(privateElements).map(([name, { element, vr }]) => [
        code(`(${hex(privateGroup, 4)},xx${hex(element, 2)})`),
        vr,
        name.replace(/[A-Z0-9]+/g, (part) => ` ${part.toLowerCase()}`),
      ]),
    ),
    '### Private elements of vendors that are kept',
    'Beside these, what the site names in `node.keepPrivate`.',
    table(
      ['private creator', 'elements'],
      keptPrivate.map(({ creator, group, elements }) => [
        creator,
        elements === 'all' ? `(${hex(group, 4)},xx00) to (${hex(group, 4)},xxFF)` : elements.map((element) => `(${hex(group, 4)},xx${hex(element, 2)})`).join(', '),
      ]),
    ),
    '## Withdrawal',
    'A derived series that must not be used any more is withdrawn as IHE Imaging Object Change Management describes: by a Key Object Selection Document (TID 2010) in the same study, Series Number 9002, that references every instance of the series, sent by C-STORE to each peer that has it. limpid deletes nothing at a peer. A withdrawn UID is never used again.',
    table(['code', 'value', 'scheme', 'meaning'], withdrawalRows()),
  ];
}
