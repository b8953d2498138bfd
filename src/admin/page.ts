// The start page: where the node stands, at one look. Plain HTML without a script; it reloads itself.
import { version } from '../version.js';
import type { SeriesSummary } from '../spool/view.js';
import { html } from './html.js';
import type { Html } from './html.js';
import { style } from './page-style.js';
import type { DependencyView, PeerView, QueueView } from './ports.js';

/** What the page shows; a part that could not be read is null. */
export interface PageData {
  readonly node: string;
  readonly roles: readonly string[];
  readonly nowMs: number;
  readonly dependencies: readonly DependencyView[];
  readonly queues: readonly QueueView[] | null;
  readonly series: readonly SeriesSummary[] | null;
  readonly peers: readonly PeerView[] | null;
}

type Tone = 'good' | 'wait' | 'bad' | 'calm';

const tones: Readonly<Record<string, Tone>> = {
  ready: 'good',
  done: 'good',
  enhanced: 'good',
  closed: 'good',
  starting: 'wait',
  degraded: 'wait',
  held: 'wait',
  withheld: 'wait',
  partial: 'bad',
  uncommitted: 'bad',
  'half-open': 'wait',
  'given-up': 'bad',
  failed: 'bad',
  down: 'bad',
  open: 'bad',
};
const word = (text: string): Html => html`<span class="word ${tones[text] ?? 'calm'}">${text}</span>`;

/** A time span in its largest fitting unit: `3 min`. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

function queueCards(queues: readonly QueueView[]): Html {
  const names = {
    series: 'Series to route',
    tasks: 'Tasks to enhance',
    deliveries: 'Deliveries',
    commitments: 'Commitments',
  };
  return html`<div class="grid">
    ${queues.map(
      ({ queue, waiting, active, delayed, oldestSeconds }) =>
        html`<div class="card figure">
          <span class="soft">${names[queue]}</span> <b>${waiting + active}</b
          ><span class="soft"
            >${active} running, ${delayed} to try
            again${oldestSeconds === null ? '' : `, oldest ${span(oldestSeconds)}`}</span
          >
        </div>`,
    )}
  </div>`;
}

function seriesTable(series: readonly SeriesSummary[], nowMs: number): Html {
  if (series.length === 0) return html`<p class="empty">No series yet. Send one to this node to see it here.</p>`;
  const rows = series.map(
    (entry) =>
      html`<tr>
        <td>${word(entry.state)}</td>
        <td>
          <a href="/api/series/${entry.key}"><code>${entry.key}</code></a>
        </td>
        <td>${entry.modality ?? ''}</td>
        <td class="number">${entry.instances}</td>
        <td>${entry.sources.join(', ')}</td>
        <td class="says">${entry.says}</td>
        <td class="number">
          ${entry.changedAt === null ? '' : `${span((nowMs - Date.parse(entry.changedAt)) / 1000)} ago`}
        </td>
      </tr>`,
  );
  return html`<table>
    <thead>
      <tr>
        <th>State</th>
        <th>Series</th>
        <th>Modality</th>
        <th class="number">Instances</th>
        <th>From</th>
        <th>Where it stands</th>
        <th class="number">Changed</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function peerTable(peers: readonly PeerView[]): Html {
  if (peers.length === 0) return html`<p class="empty">No peers are configured.</p>`;
  const rows = peers.map(
    (peer) =>
      html`<tr>
        <td>${peer.name}</td>
        <td>${peer.aeTitle === null ? peer.kind : html`<code>${peer.aeTitle}</code>`}</td>
        <td>${peer.sends ? (peer.receives ? 'sends, receives' : 'sends') : peer.receives ? 'receives' : ''}</td>
        <td>
          ${peer.host === null ? '' : html`<code>${peer.host}${peer.port === null ? '' : `:${peer.port}`}</code>`}
        </td>
        <td>${peer.breaker === null ? '' : word(peer.breaker)}</td>
        <td class="number">${peer.waiting ?? ''}</td>
        <td class="says">${peer.says}</td>
      </tr>`,
  );
  return html`<table>
    <thead>
      <tr>
        <th>Peer</th>
        <th>AE title</th>
        <th>Role</th>
        <th>Address</th>
        <th>Breaker</th>
        <th class="number">Waiting</th>
        <th></th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

const missing = html`<p class="empty">Not available now.</p>`;

/** The whole page. */
export function startPage(data: PageData): string {
  const faulty = data.dependencies.filter(({ state }) => state !== 'ready');
  const ready = !faulty.some(({ state }) => state === 'down' || state === 'starting');
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${data.node} · limpid</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="10">
<style>`;
  const body = html`</style></head><body><main>
<header><h1><span>limpid</span> ${data.node}</h1>${word(ready ? 'ready' : 'down')}
<span class="soft">version ${version} · ${data.roles.join(', ')}</span></header>
<section class="card"><h2>Depends on</h2><table><tbody>${data.dependencies.map(
    ({ name, state, says }) =>
      html`<tr>
        <td>${word(state)}</td>
        <td>${name}</td>
        <td class="says">${says}</td>
      </tr>`,
  )}</tbody></table></section>
${data.queues === null ? '' : queueCards(data.queues)}
<section class="card"><h2>Newest series</h2>${data.series === null ? missing : seriesTable(data.series, data.nowMs)}</section>
<section class="card"><h2>Peers</h2>${data.peers === null ? missing : peerTable(data.peers)}</section>
<footer>The page renews itself every ten seconds. Programs read <a href="/api/openapi.json">the API</a>,
<a href="/metrics">metrics</a> and <a href="/readyz">readiness</a>.</footer>
</main></body></html>`;
  return page.text + style + body.text;
}
