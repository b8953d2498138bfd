// Files by descriptor, for what may wait for the disk by itself: Node's FileHandle costs several times these calls.
import { close, fdatasync } from 'node:fs';
import { promisify } from 'node:util';

export const dataSync = promisify(fdatasync);
export const closeDescriptor = promisify(close);
