import { describe, expect, it } from '@jest/globals';
import { configSchema } from '../../src/config/schema.js';
import { derivedClasses, modalityOfClass } from '../../src/dicom/uids.js';
import { reasons } from '../../src/errors.js';
import type { ReasonCode } from '../../src/errors.js';
import { openRegistry } from '../../src/inference/registry.js';
import { decideGate } from '../../src/route/decide-gate.js';
import type { SeriesFacts } from '../../src/route/series-facts.js';
import { modelsDirectory } from '../support/shipped-models.js';
import { card, filter, mr, series } from './synthetic.js';
import type { InstanceChange, Values } from './synthetic.js';

const vendorMarks = configSchema.parse({ node: { aeTitle: 'LIMPID' } }).gate.vendorMarks();
const plain = { lift: [], minimumSlices: 1 };
const codes = (facts: SeriesFacts, request: Parameters<typeof decideGate>[2] = plain, model = filter): string[] => {
  const { reasons: found, warnings } = decideGate(facts, model, request, vendorMarks);
  return [
    ...found.map(({ code, detail }) => (code === 'MISSING_ATTRIBUTE' ? `${code}:${detail}` : code)),
    ...warnings.map(({ code }) => `warning ${code}`),
  ];
};
/** Ten instances as parts 1 to 10 of a concatenation of `total`; above `different` the numbers begin again. */
const concatenated =
  (different: number, total: number) =>
  (index: number): InstanceChange => ({
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2.1',
    values: {
      ConcatenationUID: '1.2.77',
      InConcatenationNumber: `${(index % different) + 1}`,
      InConcatenationTotalNumber: `${total}`,
    },
  });
const all = (change: InstanceChange) => (): InstanceChange => change;
const ofOne =
  (index: number, change: InstanceChange) =>
  (at: number): InstanceChange =>
    at === index ? change : {};
const values = (text: Values): InstanceChange => ({ values: text });
const type = (text: string): InstanceChange => values({ ImageType: text });
/** The text at the place of a mark, as the reader of headers would give it. */
const marked = (product: string, name: string, text: string): InstanceChange => ({
  marks: vendorMarks.map((mark) => (mark.product === product && mark.name === name ? text : '')),
});

describe('conditions of a card', () => {
  const chest = { any: [{ BodyPartExamined: { in: ['CHEST'] } }, { BodyPartExamined: { exists: false } }] };
  const soft = { not: { ConvolutionKernel: { matches: '^B[67]' } } };
  const spinEcho = { ScanningSequence: 'SE', SliceCount: { atLeast: 5 } };
  const found = (conditions: Record<string, unknown>, change: InstanceChange): string[] =>
    decideGate(
      series(6, all(change)),
      { ...filter, intendedUse: { ...filter.intendedUse, conditions } },
      plain,
      vendorMarks,
    ).reasons.map(({ code, detail }) => `${code}: ${detail}`);

  it('let through what fits, and what says nothing where they allow that', () => {
    expect(found(chest, {})).toEqual([]);
    expect(found(chest, values({ BodyPartExamined: null }))).toEqual([]);
    expect(found(soft, values({ ConvolutionKernel: 'B30f' }))).toEqual([]);
    expect(found(soft, {})).toEqual([]);
    expect(found(spinEcho, mr(values({ ScanningSequence: 'SE' })))).toEqual([]);
  });

  it('refuse body part, kernel and sequence, and say what was found', () => {
    const outside = 'OUTSIDE_INTENDED_USE: ';
    expect(found(chest, values({ BodyPartExamined: 'KNEE' }))).toEqual([
      `${outside}any (BodyPartExamined in [CHEST], found KNEE; BodyPartExamined exists false, found KNEE)`,
    ]);
    expect(found(soft, values({ ConvolutionKernel: 'B70f' }))).toEqual([
      `${outside}not (ConvolutionKernel matches ^B[67], found B70f)`,
    ]);
    expect(found(spinEcho, mr(values({ ScanningSequence: 'GR' })))).toEqual([
      `${outside}ScanningSequence equals SE, found GR`,
    ]);
    expect(found({ ...chest, ...spinEcho }, mr({}))).toEqual([`${outside}ScanningSequence equals SE, found missing`]);
  });

  it('are those of one slice too, and never show what points at a patient', () => {
    const conditions = { BodyPartExamined: 'CHEST', PatientName: 'Roe^Jane' };
    const model = { ...filter, intendedUse: { ...filter.intendedUse, conditions } };
    const { reasons: of } = decideGate(
      series(4, ofOne(1, values({ BodyPartExamined: 'HEAD' }))),
      model,
      plain,
      vendorMarks,
    );
    expect(of.map(({ detail }) => detail)).toEqual([
      'BodyPartExamined equals CHEST, found CHEST (3 of 4), HEAD (1 of 4), PatientName equals Roe^Jane, found present',
    ]);
  });
});

describe('the input gate', () => {
  it('lets a sound series through', () => {
    expect(decideGate(series(10), card, plain, vendorMarks)).toEqual({ verdict: 'run', reasons: [], warnings: [] });
    expect(codes(series(10, all(mr())))).toEqual([]);
  });

  const ct: [string, (index: number) => InstanceChange, string[]][] = [
    ['made by limpid', ofOne(3, { isOwn: true }), ['OWN_OUTPUT']],
    ['derived', all(type('DERIVED\\PRIMARY\\AXIAL')), ['DERIVED']],
    ['one derived slice', ofOne(2, type('DERIVED\\SECONDARY\\MIP')), ['DERIVED']],
    ['no Image Type', all(values({ ImageType: null })), ['DERIVED']],
    ['scout', all(type('ORIGINAL\\PRIMARY\\LOCALIZER')), ['LOCALIZER']],
    ['topogram of Siemens', all(type('ORIGINAL\\PRIMARY\\AXIAL\\CT_SOM5 TOP\\TOPOGRAM')), ['LOCALIZER']],
    [
      'test bolus',
      all(values({ ImagePositionPatient: '0\\0\\0', AcquisitionTime: null })),
      ['LOCALIZER', 'DUPLICATE_POSITION'],
    ],
    ['secondary capture', all({ sopClassUid: '1.2.840.10008.5.1.4.1.1.7' }), ['SECONDARY_CAPTURE']],
    ['multi-frame secondary capture', all({ sopClassUid: '1.2.840.10008.5.1.4.1.1.7.4' }), ['SECONDARY_CAPTURE']],
    ['enhanced CT', all({ sopClassUid: '1.2.840.10008.5.1.4.1.1.2.1' }), []],
    ['enhanced MR, by Modality CT', all({ sopClassUid: '1.2.840.10008.5.1.4.1.1.4.1' }), ['SCREEN_OR_REPORT']],
    ['PET, enhanced', all({ sopClassUid: '1.2.840.10008.5.1.4.1.1.130' }), ['UNSUPPORTED_SOP_CLASS']],
    ['all parts of a concatenation', concatenated(10, 10), []],
    ['a part missing', concatenated(10, 11), ['CONCATENATION']],
    ['a part twice', concatenated(9, 10), ['CONCATENATION']],
    ['PET', all({ sopClassUid: '1.2.840.10008.5.1.4.1.1.128' }), ['UNSUPPORTED_SOP_CLASS']],
    ['screen save', all(type('ORIGINAL\\PRIMARY\\SCREEN SAVE')), ['SCREEN_OR_REPORT']],
    ['dose page', all(type('DERIVED\\SECONDARY\\DOSE_INFO')), ['SCREEN_OR_REPORT']],
    ['class CT, Modality OT', all(values({ Modality: 'OT' })), ['SCREEN_OR_REPORT']],
    ['non-square pixels', all(values({ PixelSpacing: '0.70\\0.72' })), ['warning NON_SQUARE_PIXELS']],
    ['nearly square pixels', all(values({ PixelSpacing: '0.700\\0.705' })), []],
    [
      'another orientation',
      ofOne(4, values({ ImageOrientationPatient: '1\\0\\0\\0\\0.99\\0.14' })),
      ['MIXED_GEOMETRY'],
    ],
    ['rounded orientation', ofOne(4, values({ ImageOrientationPatient: '1.0\\0.0\\0.0005\\0\\1\\0' })), []],
    ['another matrix', ofOne(4, { pixels: { rows: 256 } }), ['MIXED_GEOMETRY']],
    ['another spacing', ofOne(4, values({ PixelSpacing: '0.8\\0.8' })), ['MIXED_GEOMETRY']],
    ['another frame of reference', ofOne(4, values({ FrameOfReferenceUID: '1.2.8' })), ['MIXED_GEOMETRY']],
    [
      'a frame of reference for each slice',
      (index) => values({ FrameOfReferenceUID: `1.2.9.${index}` }),
      ['warning NON_CONFORMANT'],
    ],
    ['another rescale', ofOne(4, { pixels: { intercept: 0 } }), ['MIXED_PIXELS']],
    ['other bits', ofOne(4, { pixels: { bitsStored: 16 } }), ['MIXED_PIXELS']],
    ['another sign', ofOne(4, { pixels: { signed: true } }), ['MIXED_PIXELS']],
    [
      'a missing slice',
      (index) => values({ ImagePositionPatient: `0\\0\\${index < 5 ? index : index + 1}` }),
      ['GAPS'],
    ],
    [
      'a step of 1.4 spacings',
      (index) => values({ ImagePositionPatient: `0\\0\\${index < 5 ? index : index + 0.4}` }),
      [],
    ],
    ['a slice twice', ofOne(4, values({ ImagePositionPatient: '0\\0\\3' })), ['GAPS', 'DUPLICATE_POSITION']],
    [
      'two acquisitions',
      (index) => values({ ImagePositionPatient: `0\\0\\${index % 5}`, AcquisitionNumber: `${index < 5 ? 1 : 2}` }),
      [],
    ],
    [
      'phases by trigger time',
      (index) => values({ ImagePositionPatient: `0\\0\\${index % 5}`, TriggerTime: `${index < 5 ? 0 : 40}` }),
      [],
    ],
    ...[
      'EchoNumbers',
      'EchoTime',
      'DiffusionBValue',
      'DiffusionGradientOrientation',
      'NominalPercentageOfCardiacPhase',
      'AcquisitionTime',
    ].map((keyword): [string, (index: number) => InstanceChange, string[]] => [
      `two of each position, told apart by ${keyword}`,
      (index) => values({ ImagePositionPatient: `0\\0\\${index % 5}`, [keyword]: `${index < 5 ? 1 : 2}` }),
      [],
    ]),
    [
      "two of each position, told apart by the vendor's b-value",
      (index) => ({
        ...values({ ImagePositionPatient: `0\\0\\${index % 5}` }),
        vendorDiffusion: `${index < 5 ? 0 : 1000}`,
      }),
      [],
    ],
    [
      'phases by instance number only',
      (index) => values({ ImagePositionPatient: `0\\0\\${index % 5}` }),
      ['DUPLICATE_POSITION'],
    ],
    [
      'points in time by instance number',
      (index) => values({ ImagePositionPatient: `0\\0\\${index % 5}`, NumberOfTemporalPositions: '2' }),
      [],
    ],
    ['colour', all({ pixels: { code: 'COLOUR', detail: '' } }), ['COLOUR']],
    ['palette', all({ pixels: { code: 'PALETTE', detail: '' } }), ['PALETTE']],
    ['lossy syntax', all({ transferSyntaxUid: '1.2.840.10008.1.2.4.50' }), ['LOSSY']],
    ['compressed with loss once', all(values({ LossyImageCompression: '01' })), ['LOSSY']],
    ['never compressed with loss', all(values({ LossyImageCompression: '00' })), []],
    ['burned-in text', all(values({ BurnedInAnnotation: 'YES' })), ['BURNED_IN']],
    ['no burned-in text', all(values({ BurnedInAnnotation: 'NO' })), []],
    ['no pixels', all({ hasPixelData: false }), ['MISSING_ATTRIBUTE:PixelData']],
    ['no position', ofOne(0, values({ ImagePositionPatient: null })), ['MISSING_ATTRIBUTE:ImagePositionPatient']],
    [
      'no slope',
      ofOne(0, { pixels: { code: 'MISSING_ATTRIBUTE', detail: 'RescaleSlope' } }),
      ['MISSING_ATTRIBUTE:RescaleSlope'],
    ],
    ['no UID in the data set', all(values({ SOPInstanceUID: null })), ['MISSING_ATTRIBUTE:SOPInstanceUID']],
    ['a UID that is none', ofOne(4, values({ SOPInstanceUID: '1.2.x' })), ['BAD_UID']],
    ['a study UID with leading zeros', all(values({ StudyInstanceUID: '1.02.3' })), ['BAD_UID']],
    ['two descriptions in one series', ofOne(4, values({ SeriesDescription: 'b' })), ['warning NON_CONFORMANT']],
    ['two patients', ofOne(4, values({ PatientID: 'another' })), ['MIXED_PATIENT']],
    ['two birth dates', ofOne(4, values({ PatientBirthDate: '19700101' })), ['MIXED_PATIENT']],
    ['two series numbers', ofOne(4, values({ SeriesNumber: '7' })), ['warning NON_CONFORMANT']],
    ['text of another character set', ofOne(4, { hasStrangeText: true }), ['warning BAD_CHARSET']],
    ['slope 0', all({ pixels: { code: 'BAD_RESCALE', detail: 'slope 0' } }), ['BAD_RESCALE']],
    ['electron density', all(values({ RescaleType: 'ED' })), ['BAD_RESCALE']],
    ['one slice of iodine', ofOne(3, values({ RescaleType: 'MGML' })), ['BAD_RESCALE']],
    ...['HU', 'hu', 'US'].map((unit): [string, (index: number) => InstanceChange, string[]] => [
      `Rescale Type ${unit}`,
      all(values({ RescaleType: unit })),
      [],
    ]),
    ['32 bits', all({ pixels: { code: 'BAD_PIXEL_DESCRIPTION', detail: '32' } }), ['BAD_PIXEL_DESCRIPTION']],
    ['frames in a single-frame class', all({ pixels: { frames: 4 } }), ['BAD_PIXEL_DESCRIPTION']],
    ['encrypted', all({ isEncrypted: true, hasPixelData: false }), ['ENCRYPTED']],
    ['cut header', ofOne(1, { unreadable: 'the header is cut' }), ['UNDECODABLE']],
    ['a syntax without decoder', all({ transferSyntaxUid: '1.2.840.10008.1.2.4.100' }), ['UNDECODABLE']],
    ['GE TrueFidelity', all(marked('GE TrueFidelity', '(0053,xxxx)', 'DLIR-H')), ['VENDOR_NETWORK']],
    ['Canon AiCE', all(marked('Canon AiCE, PIQE', 'ConvolutionKernel', 'AiCE Body Sharp')), ['VENDOR_NETWORK']],
    ['ADMIRE 4', all(marked('Siemens ADMIRE, SAFIRE', 'ConvolutionKernel', 'Br40d\\4')), ['warning ITERATIVE_STRONG']],
    ['ADMIRE 3', all(marked('Siemens ADMIRE, SAFIRE', 'ConvolutionKernel', 'Br40d\\3')), []],
    [
      "several faults at once, in the table's order",
      all({ ...type('DERIVED\\PRIMARY\\LOCALIZER'), transferSyntaxUid: '1.2.840.10008.1.2.4.50' }),
      ['DERIVED', 'LOCALIZER', 'LOSSY'],
    ],
  ];
  it.each([
    ['1.2.840.10008.5.1.4.1.1.66, 1 of 10 instances', ['66']],
    ['1.2.840.10008.5.1.4.1.1.66 and 1 more, 3 of 10 instances', ['66', '88.22', '88.22']],
  ])('names the class that is in the way: %s', (detail, classes) => {
    const facts = series(10, (index) =>
      classes[index] === undefined ? {} : { sopClassUid: `1.2.840.10008.5.1.4.1.1.${classes[index]}` },
    );
    const { reasons: found } = decideGate(facts, card, plain, vendorMarks);
    expect(found).toContainEqual({ code: 'UNSUPPORTED_SOP_CLASS', detail });
  });

  it.each(ct)('CT: %s', (_name, change, expected) => {
    expect(codes(series(10, change))).toEqual(expected);
  });

  it.each([0, 4, 9])('CT: one slice across the others, by UID at place %i, is no stationary table', (index) => {
    const across = values({ ImageOrientationPatient: '1\\0\\0\\0\\0\\-1' });
    const { reasons: found } = decideGate(series(10, ofOne(index, across)), card, { lift: [], minimumSlices: 5 }, []);
    expect(found).toEqual([{ code: 'MIXED_GEOMETRY', detail: 'orientation' }]);
  });

  const mrCases: [string, InstanceChange, string[]][] = [
    ['phase', type('ORIGINAL\\PRIMARY\\P\\ND'), ['NOT_MAGNITUDE']],
    ['real part', type('ORIGINAL\\PRIMARY\\R\\NORM\\DIS2D\\MFSPLIT'), ['NOT_MAGNITUDE']],
    ['field map', type('ORIGINAL\\PRIMARY\\FIELD_MAP'), ['NOT_MAGNITUDE']],
    // As Siemens and Philips write them.
    ...[
      'ADC\\ND\\NORM',
      'ADC_UNSPECIFIED\\ADC\\UNSPECIFIED',
      'EADC_UNSPECIFIE\\EADC\\UNSPECIFIED',
      'DIFFUSION\\FA\\ND\\NORM',
      'FA_SE\\FA\\SE',
      'T1 MAP',
      'T2 MAP\\T2\\UNSPECIFIED',
      'R2_UNSPECIFIED\\R2\\UNSPECIFIED',
      'PERFUSION\\NONE\\DIS2D\\RELMTT',
      'PERFUSION\\NONE\\DIS2D\\TTP',
      'VELOCITY MAP\\ND',
      'PERFUSION_FFE\\PERFUSION\\FFE',
      'STDDEV_TRA\\ND',
    ].map((map): [string, InstanceChange, string[]] => [map, type(`ORIGINAL\\PRIMARY\\${map}`), ['NOT_MAGNITUDE']]),
    ...['MIP_TRA\\ND', 'MNIP\\ND\\NORM', 'PROJECTION IMAG\\M\\FFE'].map((one): [string, InstanceChange, string[]] => [
      one,
      type(`ORIGINAL\\PRIMARY\\${one}`),
      ['DERIVED'],
    ]),
    ...[
      'MPR',
      'T2\\NONE',
      'DIFFUSION\\NONE\\ND\\NORM',
      'DIFFUSION\\TRACEW\\ND',
      'M\\NORM\\WATER\\DIS2D\\FM3_4\\FIL',
      'MSUM\\ND',
      'PERFUSION\\NONE\\ND',
      'M\\RETRO\\NORM',
    ].map((image): [string, InstanceChange, string[]] => [image, type(`ORIGINAL\\PRIMARY\\${image}`), []]),
    ['complex component', values({ ComplexImageComponent: 'PHASE' }), ['NOT_MAGNITUDE']],
    ['magnitude', values({ ComplexImageComponent: 'MAGNITUDE' }), []],
    ["GE's phase", { geImageType: 1 }, ['NOT_MAGNITUDE']],
    ["GE's magnitude", { geImageType: 0 }, []],
    ['mosaic', type('ORIGINAL\\PRIMARY\\M\\ND\\MOSAIC'), ['MOSAIC']],
    ['survey of Philips', type('ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE\\SURVEY'), ['LOCALIZER']],
    ['rescale differs between slices is no fault of MR', {}, []],
    [
      'Deep Resolve',
      marked('Siemens Deep Resolve', 'ImageType', 'ORIGINAL\\PRIMARY\\M\\DRG\\NORM\\DRS\\DIS2D'),
      ['VENDOR_NETWORK'],
    ],
    ['no mark inside a word', marked('Siemens Deep Resolve', 'ImageType', 'ORIGINAL\\PRIMARY\\M\\DRGX'), []],
    ['AIR Recon DL', marked('GE AIR Recon DL', '(0043,xxCA)', '0.75\\High'), ['VENDOR_NETWORK']],
    ['no positions, which MR may leave out', values({ ImagePositionPatient: null, ImageOrientationPatient: null }), []],
  ];
  it.each(mrCases)('MR: %s', (_name, change, expected) => {
    expect(codes(series(10, (index) => mr({ ...change, pixels: { slope: 1 + index } })))).toEqual(expected);
  });

  const byCard: [string, InstanceChange, string[]][] = [
    ['thick slices', values({ SliceThickness: '5.5' }), ['OUTSIDE_INTENDED_USE']],
    ['unknown thickness', values({ SliceThickness: null }), ['OUTSIDE_INTENDED_USE']],
    ['large pixels', values({ PixelSpacing: '2.5\\2.5' }), ['OUTSIDE_INTENDED_USE']],
    ['large matrix', { pixels: { rows: 2048, columns: 2048 } }, ['OUTSIDE_INTENDED_USE']],
    ['a child', values({ PatientAge: '017Y' }), ['PAEDIATRIC']],
    ['a child, age without its zeros', values({ PatientAge: '7Y', PatientBirthDate: null }), ['PAEDIATRIC']],
    ['a child, age in small letters', values({ PatientAge: '017y' }), ['PAEDIATRIC']],
    ['a baby, age in months', values({ PatientAge: '030M' }), ['PAEDIATRIC']],
    [
      'a child by birth date',
      values({ PatientAge: null, PatientBirthDate: '20080702', StudyDate: '20260701' }),
      ['PAEDIATRIC'],
    ],
    ['an adult since that day', values({ PatientAge: null, PatientBirthDate: '20080701', StudyDate: '20260701' }), []],
    ['age unknown', values({ PatientAge: null }), []],
  ];
  it.each(byCard)('card: %s', (_name, change, expected) => {
    expect(codes(series(10, all(change)), plain, card)).toEqual(expected);
  });
  it('card: another modality', () => {
    expect(codes(series(10, all(mr())), plain, card)).toEqual(['OUTSIDE_INTENDED_USE']);
  });
  it('card: histogram equalisation is for no class that is enhanced, and projection images stay as they are', async () => {
    const clahe = (await openRegistry(modelsDirectory)).get('clahe');
    if (clahe === undefined) throw new Error('clahe is not shipped');
    for (const sopClassUid of derivedClasses) {
      const image = { sopClassUid, ...values({ Modality: modalityOfClass(sopClassUid) }) };
      expect(codes(series(3, all(image)), plain, clahe)).toContain('OUTSIDE_INTENDED_USE');
    }
    const radiograph = '1.2.840.10008.5.1.4.1.1.1.1';
    expect(codes(series(1, all({ sopClassUid: radiograph })), plain, clahe)).toContain('UNSUPPORTED_SOP_CLASS');
  });
  it('card: field strength, also in gauss', () => {
    const mrCard = {
      ...filter,
      intendedUse: { ...filter.intendedUse, magneticFieldStrengthT: { atLeast: 1, atMost: 3.5 } },
    };
    const at = (field: string): string[] =>
      codes(series(5, all(mr(values({ MagneticFieldStrength: field })))), plain, mrCard);
    expect([at('1.5'), at('15015'), at('7'), at('0.3')]).toEqual([
      [],
      [],
      ['OUTSIDE_INTENDED_USE'],
      ['OUTSIDE_INTENDED_USE'],
    ]);
  });
  const byGrid: [string, InstanceChange, string[]][] = [
    ['an overlay', { hasOverlay: true }, ['warning OVERLAY_DROPPED']],
    ['no overlay', { hasOverlay: false }, []],
  ];
  it.each(byGrid)('a finer grid: %s', (_name, change, expected) => {
    const finer = { ...filter, grid: { scale: 2, sampling: 'half_pixel' } } as const;
    expect(codes(series(10, ofOne(4, change)), plain, finer)).toEqual(expected);
    expect(decideGate(series(10, ofOne(4, change)), finer, plain, vendorMarks).verdict).toBe('run');
    // On the source's own grid an overlay goes on.
    expect(codes(series(10, ofOne(4, change)))).toEqual([]);
  });
  it('too few slices for the card, or for the rule', () => {
    expect(codes(series(2), plain, card)).toEqual(['TOO_FEW_SLICES']);
    expect(codes(series(10), { lift: [], minimumSlices: 11 }, card)).toEqual(['TOO_FEW_SLICES']);
    expect(codes(series(1))).toEqual([]);
  });

  it('lifts what may be lifted, and keeps it as a warning; nothing else', () => {
    const facts = series(
      10,
      all({ ...type('DERIVED\\PRIMARY\\LOCALIZER'), transferSyntaxUid: '1.2.840.10008.1.2.4.50' }),
    );
    const lift: ReasonCode[] = ['DERIVED', 'LOSSY', 'LOCALIZER'];
    expect(codes(facts, { lift, minimumSlices: 1 })).toEqual(['LOCALIZER', 'warning DERIVED', 'warning LOSSY']);
    const derived = series(10, all(type('DERIVED\\PRIMARY\\AXIAL')));
    expect(decideGate(derived, filter, { lift: ['DERIVED'], minimumSlices: 1 }, vendorMarks).verdict).toBe('run');
  });

  it('never repeats a value of the patient', () => {
    const facts = series(
      10,
      all(values({ PatientAge: '007Y', PatientBirthDate: '20190101', PatientName: 'Doe^Jane' })),
    );
    expect(JSON.stringify(decideGate(facts, card, plain, vendorMarks))).not.toMatch(/007|2019|Doe/);
  });

  it("vendors' marks are found in any case of letters", () => {
    expect(codes(series(3, all(marked('Canon AiCE, PIQE', 'SeriesDescription', 'lung aice 1.0'))))).toEqual([
      'VENDOR_NETWORK',
    ]);
  });

  it('has a case for every code of the table that headers alone decide', () => {
    const cases = [
      ...ct.map(([, , found]) => found),
      ...mrCases.map(([, , found]) => found),
      ...byCard.map(([, , found]) => found),
      ...byGrid.map(([, , found]) => found),
    ];
    const seen = new Set(cases.flat().map((code) => code.replace('warning ', '').split(':')[0]));
    const unseen = Object.keys(reasons).filter((code) => !seen.has(code));
    expect(unseen.toSorted()).toEqual(
      [
        'TOO_FEW_SLICES', // below
        // Of the whole series: decide-route.
        'DUPLICATE_DIFFERS',
        'REVISION_STORM',
        'NO_RULE',
        'SOURCE_SWEPT',
        // Of a task that has begun.
        'ALREADY_CLEAN',
        'LIMITS_NOT_MEASURED',
        'NO_CHANGE',
        'NOISE_NOT_MEASURABLE',
        'WITHHELD',
        'SUPERSEDED',
        'POISON',
      ].toSorted(),
    );
  });

  it('gives only codes whose verdict is of the gate', () => {
    const known = new Set(Object.keys(reasons));
    for (const [, change] of ct) {
      const gate = decideGate(series(10, change), card, plain, vendorMarks);
      for (const { code } of [...gate.reasons, ...gate.warnings]) expect(known.has(code)).toBe(true);
      expect(gate.verdict).toBe(gate.reasons.length === 0 ? 'run' : 'skip');
    }
  });
});
