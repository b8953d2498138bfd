// Compressed frames through dcmjs-codecs (WebAssembly), one frame at a time. Its data set level is not used: it rewrites headers.
import codecs from 'dcmjs-codecs';
import { LimpidError } from '../errors.js';
import type { PixelDescription } from './pixel-description.js';
import type { Coding } from './uids.js';

const { Context, NativeCodecs, log } = codecs;
// What a codec has to say comes as an error; it would also print it.
log.disableAll();

type Decoder = (encoded: InstanceType<typeof Context>) => InstanceType<typeof Context>;
const decoders: Readonly<Record<Exclude<Coding, 'native' | 'none'>, Decoder>> = {
  rle: (context) => NativeCodecs.decodeRle(context),
  jpeg: (context) => NativeCodecs.decodeJpeg(context, { convertColorspaceToRgb: false }),
  jpegls: (context) => NativeCodecs.decodeJpegLs(context),
  jpeg2000: (context) => NativeCodecs.decodeJpeg2000(context),
  htj2k: (context) => NativeCodecs.decodeHtJpeg2000(context),
};

/** All codecs share one WebAssembly instance: the one making of it under way, if any. */
let making: Promise<void> | null = null;

/**
 * The decoded bytes of one monochrome frame: rows x columns samples of 8 or 16 bits, little endian.
 * @throws LimpidError DICOM_UNDECODABLE where the codec refuses the frame or gives another size
 */
export async function decodeFrame(
  encoded: Uint8Array,
  description: PixelDescription,
  coding: Coding,
): Promise<Uint8Array> {
  if (coding === 'native' || coding === 'none') {
    throw new LimpidError('DICOM_UNDECODABLE', 'no decoder for this transfer syntax');
  }
  // Another frame may fail, and release the instance, while this one waits for it.
  while (!NativeCodecs.isInitialized()) {
    making ??= NativeCodecs.initializeAsync().finally(() => (making = null));
    await making;
  }
  const { rows, columns, bitsAllocated, bitsStored, signed, photometric } = description;
  try {
    const context = new Context({
      width: columns,
      height: rows,
      bitsAllocated,
      bitsStored,
      samplesPerPixel: 1,
      pixelRepresentation: signed ? 1 : 0,
      planarConfiguration: 0,
      photometricInterpretation: photometric,
      encodedBuffer: encoded,
    });
    const decoded = decoders[coding](context).getDecodedBuffer();
    const expected = rows * columns * (bitsAllocated / 8);
    if (decoded?.length !== expected) {
      throw new LimpidError(
        'DICOM_UNDECODABLE',
        `${coding} frame gives ${decoded?.length ?? 0} bytes, not ${expected}`,
      );
    }
    return decoded;
  } catch (error) {
    // A frame that fails leaves the shared memory in disorder: good frames would fail after some more.
    heal();
    if (error instanceof LimpidError) throw error;
    throw new LimpidError('DICOM_UNDECODABLE', `${coding} frame cannot be decoded`, { cause: error });
  }
}

function heal(): void {
  try {
    NativeCodecs.release();
  } catch {
    // The next initialisation makes a new instance whether or not the old one could be released.
  }
}
