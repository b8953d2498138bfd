import { LimpidError } from '../errors.js';

/** A worker child has ended, or found no provider, before it was given its task: that says nothing of the task. */
export class ChildNotStarted extends LimpidError {}
