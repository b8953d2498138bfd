// limpid's private block: the figures of the derivation for machines (conformance 13). It holds no identifying text.
import type { DataSet } from '../dicom/data-set.js';
import { encodeElement } from '../dicom/element.js';
import type { Value } from '../dicom/element.js';
import { selectionOf, writtenSequence } from './encode.js';
import type { Written } from './encode.js';
import type { DerivationPlan, SliceFigures } from './plan.js';

export const privateGroup = 0x0177;
export const privateCreator = 'LIMPID';

/** Elements by their low byte, with the VRs that a reader of Implicit VR has to know. */
export const privateElements = {
  kind: { element: 0x01, vr: 'CS' },
  modelId: { element: 0x02, vr: 'LO' },
  modelVersion: { element: 0x03, vr: 'LO' },
  modelSha256: { element: 0x04, vr: 'LO' },
  settings: { element: 0x05, vr: 'UT' },
  settingsSha256: { element: 0x06, vr: 'LO' },
  strengthAsked: { element: 0x07, vr: 'FD' },
  noiseBefore: { element: 0x08, vr: 'FD' },
  noiseAfter: { element: 0x09, vr: 'FD' },
  noiseUnit: { element: 0x0a, vr: 'CS' },
  remake: { element: 0x0b, vr: 'US' },
  pipeline: { element: 0x0c, vr: 'US' },
  sourceSetDigest: { element: 0x0d, vr: 'LO' },
  sourceSeries: { element: 0x0e, vr: 'UI' },
  strengthReached: { element: 0x0f, vr: 'FD' },
} as const;

/** One element of the block; value null for what is not measured. */
export interface PrivateValue {
  readonly element: number;
  readonly vr: string;
  readonly value: Value | null;
}

/** What the block says, in order of elements. */
export function privateValues(plan: DerivationPlan, figures: SliceFigures): readonly PrivateValue[] {
  const own = privateElements;
  return [
    { ...own.kind, value: 'DERIVED' },
    { ...own.modelId, value: plan.model.id },
    { ...own.modelVersion, value: plan.model.version },
    { ...own.modelSha256, value: plan.model.sha256 },
    { ...own.settings, value: new TextEncoder().encode(plan.settings) },
    { ...own.settingsSha256, value: plan.settingsSha256 },
    { ...own.strengthAsked, value: plan.strengthAsked },
    { ...own.noiseBefore, value: figures.noiseBefore },
    { ...own.noiseAfter, value: figures.noiseAfter },
    { ...own.noiseUnit, value: plan.noise.unit },
    { ...own.remake, value: plan.remake },
    { ...own.pipeline, value: plan.pipeline },
    { ...own.sourceSetDigest, value: plan.sourceSetDigest },
    { ...own.sourceSeries, value: plan.sourceSeriesInstanceUid },
    { ...own.strengthReached, value: plan.strengthReached },
  ];
}

/** The block, in the group's first free place, and what says that it identifies nobody (0008,0300). */
export function privateBlockElements(source: DataSet, plan: DerivationPlan, figures: SliceFigures): Written[] {
  const block = freeBlock(source, plan);
  const base = privateGroup * 0x10000;
  const elements: Written[] = [{ tag: base + block, bytes: encodeElement(base + block, 'LO', privateCreator) }];
  for (const { element, vr, value } of privateValues(plan, figures)) {
    const tag = base + block * 0x100 + element;
    if (value !== null) elements.push({ tag, bytes: encodeElement(tag, vr, value) });
  }
  elements.push(
    writtenSequence('PrivateDataElementCharacteristicsSequence', [
      [
        encodeElement(0x00080301, 'US', privateGroup),
        encodeElement(0x00080302, 'LO', privateCreator),
        encodeElement(0x00080303, 'CS', 'SAFE'),
      ],
    ]),
  );
  return elements;
}

function freeBlock(source: DataSet, plan: DerivationPlan): number {
  const { copied } = selectionOf(plan);
  const taken = new Set(source.elements.filter((element) => copied(source, element)).map(({ tag }) => tag));
  let block = 0x10;
  while (taken.has(privateGroup * 0x10000 + block)) block++;
  return block;
}
