#!/usr/bin/env node
// The program. What it does: run-command.ts, which is loaded once the heap of a node that stays is told to stay small.
import { keepYoungGenerationSmall } from './heap.js';

if (process.argv[2] === 'serve') keepYoungGenerationSmall();
await import('./run-command.js');
