import codecs from 'dcmjs-codecs';

/** A grey image of 16 bits allocated, as the encoders of dcmjs-codecs take it. @param values as stored, negative ones in two's complement */
export function greyContext(
  values: ArrayLike<number>,
  image: { readonly rows: number; readonly columns: number; readonly bits: number; readonly signed: boolean },
): InstanceType<typeof codecs.Context> {
  return new codecs.Context({
    width: image.columns,
    height: image.rows,
    samplesPerPixel: 1,
    planarConfiguration: 0,
    bitsAllocated: 16,
    bitsStored: image.bits,
    pixelRepresentation: image.signed ? 1 : 0,
    photometricInterpretation: 'MONOCHROME2',
    decodedBuffer: new Uint8Array(Uint16Array.from(values).buffer),
  });
}
