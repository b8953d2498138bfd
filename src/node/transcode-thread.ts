// Thread that writes an instance anew in another transfer syntax. A decoder that crashes or hangs takes only this thread down.
import { open, readFile } from 'node:fs/promises';
import { readInstance } from '../dicom/file.js';
import { writeFileMeta } from '../dicom/part10.js';
import { transcoded } from '../dicom/transcode.js';
import type { TranscodeMethods } from '../deliver/transcoder.js';
import { serve } from '../threads/thread.js';

const methods: TranscodeMethods = {
  async transcode({ file, outFile, sopClassUid, sopInstanceUid, transferSyntaxUid }) {
    const { dataSet, part10 } = readInstance(await readFile(file));
    const out = await open(outFile, 'wx');
    try {
      // writeFile goes on where a call has taken a part only, as on a disk that is nearly full
      await out.writeFile(writeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid }));
      for await (const piece of transcoded(dataSet, part10.transferSyntaxUid, transferSyntaxUid)) {
        if (piece.length > 0) await out.writeFile(piece);
      }
    } finally {
      await out.close();
    }
    return { value: null };
  },
};
serve(methods);
