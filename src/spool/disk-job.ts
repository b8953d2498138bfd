// What a disk thread does for one arriving instance: its short file system calls in one go. Each by itself would be a way to a thread
// and back, which costs several times the call.
import { closeSync, existsSync, fdatasyncSync, fsyncSync, linkSync, openSync, unlinkSync, writevSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SpareFile } from './spare-file.js';
import { hasCode } from './write-once.js';

/** Steps for one temporary file, in this order; those left out are not done. */
export interface FileJob {
  readonly path: string;
  /** `new`: the file is made; null: it is closed, and there is nothing to append. */
  readonly descriptor: number | 'new' | null;
  /** Bytes to be appended: views of shared memory. */
  readonly parts: readonly Uint8Array[];
  /** Its bytes are on the disk before it is closed, its final name before this is answered. */
  readonly sync?: boolean;
  readonly close?: boolean;
  /** Final name that the file gets; its temporary one goes then. */
  readonly link?: string;
  /** A file that is looked for behind all that. */
  readonly marker?: string;
}

/** What became of a link: another file has the name, or the folder is not there; then nothing is changed. */
export type Linked = 'made' | 'name-taken' | 'no-folder';

export interface FileDone {
  /** Null: closed. */
  readonly descriptor: number | null;
  readonly linked: Linked | null;
  readonly isMarked: boolean;
}

/** A call failed: an error of the file system in what can cross threads. */
export interface FileFailed {
  readonly code: string;
  readonly message: string;
  readonly descriptor: number | null;
}

function append(descriptor: number, parts: readonly Uint8Array[]): void {
  let left = [...parts];
  while (left.length > 0) {
    let skip = writevSync(descriptor, left);
    while (left[0] && skip >= left[0].length) {
      skip -= left[0].length;
      left = left.slice(1);
    }
    if (left[0] && skip > 0) left[0] = left[0].subarray(skip);
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function linkTo(path: string, target: string): Linked {
  try {
    linkSync(path, target);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'name-taken';
    if (hasCode(error, 'ENOENT')) return 'no-folder';
    throw error;
  }
  unlinkSync(path);
  return 'made';
}

/** Does a job. What fails is told, not thrown: errors lose their code on the way to another thread. */
export function doFileJob(job: FileJob, spare: SpareFile): FileDone | FileFailed {
  const { path, parts, sync = false, close, link, marker } = job;
  let descriptor = job.descriptor === 'new' ? null : job.descriptor;
  try {
    if (job.descriptor === 'new') descriptor = spare.open(path);
    if (descriptor !== null) append(descriptor, parts);
    if (sync && descriptor !== null) fdatasyncSync(descriptor);
    if (close && descriptor !== null) {
      const closing = descriptor;
      descriptor = null; // also where closing fails: it is gone then
      closeSync(closing);
    }
    const linked = link === undefined ? null : linkTo(path, link);
    if (sync && link !== undefined && linked === 'made') syncDirectory(dirname(link));
    return { descriptor, linked, isMarked: marker !== undefined && existsSync(marker) };
  } catch (error) {
    return { ...failureOf(error), descriptor };
  }
}

/** @returns what crosses threads of a file system's error */
export function failureOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
  return { code: 'code' in error ? String(error.code) : 'UNKNOWN', message: error.message };
}
