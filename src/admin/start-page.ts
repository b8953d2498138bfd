// The start page: where the node stands, at one look. Plain HTML without a script; it reloads itself.
import { version } from '../version.js';
import type { SeriesSummary } from '../spool/view.js';
import { html } from './html.js';
import type { Html } from './html.js';
import { ago, asOf, missing, pageOf, pathTo, seriesWord, span, stillLink, table, word } from './page-frame.js';
import type { DependencyView, PeerView, QueueView } from './ports.js';

/** What the page shows; a part that could not be read is null. */
export interface PageData {
  readonly node: string;
  readonly roles: readonly string[];
  readonly nowMs: number;
  readonly dependencies: readonly DependencyView[];
  readonly queues: readonly QueueView[] | null;
  readonly series: readonly SeriesSummary[] | null;
  /** There are older series beside these. */
  readonly more: boolean;
  readonly peers: readonly PeerView[] | null;
  /** It does not renew itself. */
  readonly still?: boolean;
}

/** Of what the jobs of a queue are made up, and for how long the oldest has waited. */
function queueSays({ waiting, active, delayed, oldestSeconds }: Omit<QueueView, 'queue'>): string {
  const counts = [
    [active, 'running'],
    [waiting, 'waiting'],
    [delayed, 'to try again'],
  ] as const;
  const parts = counts.flatMap(([count, how]) => (count === 0 ? [] : [`${count} ${how}`]));
  if (oldestSeconds !== null) parts.push(`oldest ${span(oldestSeconds)}`);
  return parts.length === 0 ? 'nothing to do' : parts.join(', ');
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
          <span class="soft">${names[queue]}</span> <b>${waiting + active + delayed}</b
          ><span class="soft">${queueSays({ waiting, active, delayed, oldestSeconds })}</span>
        </div>`,
    )}
  </div>`;
}

const noQueues = html`<section class="card">
  <h2>Queues</h2>
  ${missing}
</section>`;

function seriesTable(series: readonly SeriesSummary[], nowMs: number, still: boolean): Html {
  if (series.length === 0) return html`<p class="empty">No series yet. Send one to this node to see it here.</p>`;
  const rows = series.map(
    (entry) =>
      html`<tr>
        <td>${seriesWord(entry)}</td>
        <td>
          <a href="${pathTo(`/series/${entry.key}`, still)}"><code>${entry.key}</code></a>
        </td>
        <td>${entry.modality ?? ''}</td>
        <td class="number" data-of="instances">${entry.instances}</td>
        <td class="from" data-of="from">${entry.sources.join(', ')}</td>
        <td class="says">${entry.says}</td>
        <td class="number when">${entry.changedAt === null ? '' : ago(entry.changedAt, nowMs)}</td>
      </tr>`,
  );
  return table(
    'rows',
    [
      ['State'],
      ['Series'],
      ['Modality'],
      ['Instances', 'number'],
      ['From'],
      ['Where it stands'],
      ['Changed', 'number'],
    ],
    rows,
  );
}

function peerTable(peers: readonly PeerView[]): Html {
  if (peers.length === 0) return html`<p class="empty">No peers are configured.</p>`;
  const rows = peers.map(
    (peer) =>
      html`<tr>
        <td class="name">${peer.name}</td>
        <td>${peer.aeTitle === null ? peer.kind : html`<code>${peer.aeTitle}</code>`}</td>
        <td class="role">
          ${peer.sends ? (peer.receives ? 'sends, receives' : 'sends') : peer.receives ? 'receives' : ''}
        </td>
        <td class="address">
          ${peer.host === null ? '' : html`<code>${peer.host}${peer.port === null ? '' : `:${peer.port}`}</code>`}
        </td>
        <td data-of="breaker">${peer.breaker === null ? '' : word(peer.breaker)}</td>
        <td class="number" data-of="waiting">${peer.waiting ?? ''}</td>
        <td class="says">${peer.says}</td>
      </tr>`,
  );
  return table(
    'rows',
    [['Peer'], ['AE title'], ['Role'], ['Address'], ['Breaker'], ['Waiting', 'number'], ['Where it stands']],
    rows,
  );
}

/** The whole page. */
export function startPage(data: PageData): string {
  const { still = false } = data;
  const states = data.dependencies.map(({ state }) => state);
  const stands = (['down', 'starting', 'degraded'] as const).find((state) => states.includes(state)) ?? 'ready';
  const body = html`<header>
      <h1><span>limpid</span>${data.node === 'limpid' ? '' : ` ${data.node}`}</h1>
      ${word(stands)} <span class="soft">version ${version} · ${data.roles.join(', ')}</span>
      ${stillLink('/', still, data.nowMs)}
    </header>
    <section class="card">
      <h2>Depends on</h2>
      <table>
        <tbody>
          ${data.dependencies.map(
            ({ name, state, says }) =>
              html`<tr>
                <td>${word(state)}</td>
                <td>${name}</td>
                <td class="says">${says}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>
    ${data.queues === null ? noQueues : queueCards(data.queues)}
    <section class="card">
      <h2>Newest series</h2>
      ${data.series === null ? missing : seriesTable(data.series, data.nowMs, still)}
      ${
        data.more
          ? html`<p class="empty">
              Older ones, and those of one state:
              <code class="command">limpid series list --state held --limit 100</code>
            </p>`
          : ''
      }
    </section>
    <section class="card">
      <h2>Peers</h2>
      ${data.peers === null ? missing : peerTable(data.peers)}
    </section>
    <footer>
      ${asOf(data.nowMs)}${still ? '' : ' The page renews itself every ten seconds.'} Programs read
      <a href="/api/openapi.json">the API</a>, <a href="/metrics">metrics</a> and <a href="/readyz">readiness</a>.
    </footer>`;
  return pageOf(data.node, still ? 'never' : 'soon', body);
}
