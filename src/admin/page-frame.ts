// What every page has: head, style, policy, the words for a state and a time.
import { createHash } from 'node:crypto';
import { html } from './html.js';
import type { Html } from './html.js';
import { momentSays } from '../spool/moment.js';
import type { SeriesSummary } from '../spool/view.js';
import { style } from './page-style.js';

type Tone = 'good' | 'wait' | 'bad' | 'calm';

const tones: Readonly<Record<string, Tone>> = {
  ready: 'good',
  done: 'good',
  enhanced: 'good',
  delivered: 'good',
  closed: 'good',
  starting: 'wait',
  degraded: 'wait',
  held: 'wait',
  withheld: 'wait',
  released: 'wait',
  partial: 'bad',
  unreadable: 'bad',
  uncommitted: 'bad',
  'half-open': 'wait',
  'given-up': 'bad',
  failed: 'bad',
  down: 'bad',
  open: 'bad',
};

/** A state as a coloured word. */
export const word = (text: string): Html => html`<span class="word ${tones[text] ?? 'calm'}">${text}</span>`;

/**
 * The state of a series: one that is done, while a result of it is withheld or a task has failed, is not all well; nor is one of which nothing
 * was made or sent, as no rule matches it.
 */
export function seriesWord({ state, tasks, held }: Pick<SeriesSummary, 'state' | 'tasks' | 'held'>): Html {
  const isToBeSeen = tasks.some((task) => task.state === 'withheld' || task.state === 'failed');
  if (state !== 'done' || !(isToBeSeen || held.includes('NO_RULE'))) return word(state);
  return html`<span class="word ${isToBeSeen ? 'wait' : 'calm'}">${state}</span>`;
}

/** A time span in its largest fitting unit: `3 min`. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `3 min ago`, with the moment itself for whoever points at it. */
export const ago = (at: string, nowMs: number): Html =>
  html`<time datetime="${at}" title="${momentSays(at)}">${span((nowMs - Date.parse(at)) / 1000)} ago</time>`;

/** A table: `rows` become a list where the window is narrow. Columns of numbers say so. */
export const table = (
  kind: 'rows' | 'figures',
  heads: readonly (readonly [name: string, of?: 'number'])[],
  rows: readonly Html[],
): Html =>
  html`<table class="${kind}">
    <thead>
      <tr>
        ${heads.map(([name, of]) => (of === undefined ? html`<th scope="col">${name}</th>` : html`<th scope="col" class="${of}">${name}</th>`))}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;

export const missing = html`<p class="empty">Not available now.</p>`;

/** A page may hold its own style and its icon, and nothing else. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

/** Whether a page is asked for that does not renew itself. */
export const isStill = (url: string): boolean => /[?&]still(?:[=&]|$)/.test(url);

/** The way to another page: who holds one still goes on among pages that stand. */
export const pathTo = (path: string, still: boolean): string => (still ? `${path}?still` : path);

/**
 * To the same page held still, and back: each renewal takes the place of who goes from link to link by the keyboard, or hears the page
 * read, and no page here may run a script that keeps it.
 * One that stands says since when: `3 min ago` would be read as of now.
 */
export const stillLink = (path: string, still: boolean, nowMs: number): Html =>
  still
    ? html`<span class="soft">As it was at ${momentSays(new Date(nowMs).toISOString())}.</span>
        <a href="${path}">Renew again</a>`
    : html`<a href="${pathTo(path, true)}">Hold still</a>`;

/** Of when a page is, also on paper. */
export const asOf = (nowMs: number): string => `As of ${momentSays(new Date(nowMs).toISOString())}.`;

/**
 * A whole page around its parts. It is loaded anew every ten seconds; every minute where nothing is under way, as a person may withdraw or
 * requeue what is done, and its times go on; never where there is nothing at its path.
 */
export function pageOf(title: string, renews: 'soon' | 'later' | 'never', body: Html): string {
  const head = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} · limpid</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" type="image/svg+xml" href="/favicon.svg">${
    renews === 'never' ? '' : html`<meta http-equiv="refresh" content="${renews === 'soon' ? 10 : 60}" />`
  }
<style>`;
  return head.text + style + html`</style></head><body><main>${body}</main></body></html>`.text;
}
