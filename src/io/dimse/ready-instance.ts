// An instance that is opened for sending: its file, or the one that stands in for it in another syntax, and its data set as PDUs.
import { LimpidError } from '../../errors.js';
import type { DataSetInFile, DataSetReader, PduWindow } from './data-set-reader.js';
import { closeDescriptor, openThere } from './descriptor.js';
import { TransferSyntax } from './constants.js';
import { type Outgoing, checkWhole, locateDataSet } from './outgoing.js';
import type { Requestor } from './requestor.js';
import type { Conversion, Converted } from './send-options.js';

/** An instance that is opened, and the first of its PDUs, read ahead. */
export interface Ready {
  readonly instance: Outgoing;
  readonly contextId: number;
  readonly source: DataSetInFile;
  readonly first: PduWindow;
  /** The file that stands in for the instance's own, where it goes out in another syntax. */
  readonly converted: Converted | null;
}

export async function closeReady({ source, converted }: Pick<Ready, 'source' | 'converted'>): Promise<void> {
  await closeDescriptor(source.descriptor);
  await converted?.discard();
}

/**
 * Opens an instance and reads the first of its PDUs.
 *
 * @param context the presentation context that it goes out in: in its own syntax, or converted
 * @throws LimpidError DICOM_MALFORMED, and what `conversion` throws
 */
export async function openReady(
  instance: Outgoing,
  { id, transferSyntaxUid }: { readonly id: number; readonly transferSyntaxUid: string },
  reader: DataSetReader,
  conversion: Conversion | undefined,
): Promise<Ready> {
  const isOwn = transferSyntaxUid === instance.transferSyntaxUid || !conversion;
  const converted = isOwn ? null : await conversion.convert(instance, transferSyntaxUid);
  const descriptor = await openThere(converted?.file ?? instance.file);
  try {
    const known = converted === null ? instance.place : undefined;
    const { offset, bytes } = known ?? (await locateDataSet(descriptor));
    if (bytes <= 0) throw new LimpidError('DICOM_MALFORMED', 'the file has no data set');
    // a fragment of odd length is none (PS3.8 Annex E.1): DCMTK aborts over one, and passes over a byte behind the last element
    const padding = bytes % 2 === 1 ? 1 : 0;
    // that byte must not complete what was cut
    if (padding === 1 && transferSyntaxUid !== TransferSyntax.Deflated)
      await checkWhole(descriptor, { offset, bytes }, transferSyntaxUid);
    const source = { descriptor, contextId: id, offset, bytes, padding } as const;
    return { instance, contextId: id, source, first: await reader.read(source, 0), converted };
  } catch (error) {
    await closeReady({ source: { descriptor, contextId: id, offset: 0, bytes: 0, padding: 0 }, converted });
    throw error;
  }
}

/**
 * Sends a data set: two windows are on their way, so that the peer has bytes to take while the one behind them is read.
 *
 * @param isWritten is called when the last of it is on its way
 */
export async function sendReady(
  requestor: Requestor,
  reader: DataSetReader,
  { source, first }: Ready,
  isWritten: () => void,
): Promise<void> {
  let window = first;
  for (let before = Promise.resolve(); ;) {
    const { taken } = window;
    const left = requestor.write(window.pdus).finally(taken);
    left.catch(() => {}); // awaited below, after the next window has been read
    if (window.end >= source.bytes + source.padding) {
      isWritten();
      return await left;
    }
    window = await reader.read(source, window.end);
    await before;
    before = left;
  }
}
