// The page of one series: what `limpid series show` tells, for who has no terminal on the node. It changes nothing.
import { counted } from '../spool/counted.js';
import type { CodeView, DeliveryView, RevisionView, SeriesView, TaskView } from '../spool/view.js';
import { momentSays } from '../spool/moment.js';
import { mayRequeue, toDo } from '../spool/to-do.js';
import { isUnruled } from '../spool/unruled.js';
import { summaryOf } from '../spool/view-of.js';
import { closingSays, limitSays, unitSays } from '../spool/view-words.js';
import { html } from './html.js';
import type { Html } from './html.js';
import { ago, asOf, pageOf, pathTo, seriesWord, stillLink, table, word } from './page-frame.js';

const nothing = html``;

const codeLine = ({ code, says, detail, hint }: CodeView): Html =>
  html`<p class="code">
    <code>${code}</code> ${says}${detail === '' ? '' : ` (${detail})`}${hint === null ? '' : ` ${hint}`}
  </p>`;

const number = (value: number | null): string =>
  value === null ? '–' : String(Number(value.toPrecision(4))).replace('-', '−');

/** `signalToNoise` as people write it: `signal to noise`. */
const spaced = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** What a figure tells, for who reads pictures and not records. */
const meanings: Readonly<Record<string, string>> = {
  degradation: 'the worse of signal and contrast to noise, one step worse with streaks',
  noise: 'deviation of the noise',
  noiseRatio: 'noise that is left, as a share',
  meanShift: 'the most that the mean over the tissue of an image has moved',
  confidence: 'share of the tissue where what was taken away looks like noise',
  residualStructure: 'likeness of what was taken away to edges, in the worst image: 0 is noise alone, 1 is edges',
  periodicPattern: 'strongest stripes that were taken away, over the noise',
  smoothChange:
    'largest change wider than grain, over the noise, in the worst image: a spot or shading drawn or wiped out',
  edgeRatio: 'strength of the strongest edges, as a share',
  signalToNoise: 'signal of the tissue over its noise',
  contrastToNoise: 'CT: fat against soft tissue; MR: the two classes of the foreground',
  sharpness: 'frequency of 50 % modulation at natural edges',
  grain: 'mean frequency of the noise: below 0.9 of before, it begins to look painted',
  artefact: 'texture that runs in few directions: makes one suspect streaks; anatomy shows more of it as noise goes',
  entropy: 'of the tissue',
};

const meaningOf = (name: string, figure: TaskView['figures'][string]): string =>
  [meanings[name] ?? '', ...limitSays(name, figure)].join('; ');

function figureTable({ figures, grade }: TaskView): Html {
  const rows = Object.entries(figures).map(([name, figure]) => {
    const { measured, before, after, unit } = figure;
    const cells = measured ? [number(before), number(after), unitSays(unit)] : ['', '', 'not measured'];
    return [name, ...cells, meaningOf(name, figure)];
  });
  if (grade !== null)
    rows.unshift([
      'degradation',
      grade.before ?? 'unknown',
      grade.after ?? 'unknown',
      '',
      meanings['degradation'] ?? '',
    ]);
  if (rows.length === 0) return nothing;
  return table(
    'figures',
    [['Figure'], ['Before', 'number'], ['After', 'number'], ['Unit'], ['What it tells']],
    rows.map(
      ([name = '', before, after, unit, says]) =>
        html`<tr>
          <td>${spaced(name)}</td>
          <td class="number">${before}</td>
          <td class="number">${after}</td>
          <td class="soft">${unit}</td>
          <td class="says soft">${says}</td>
        </tr>`,
    ),
  );
}

const choiceLine = ({ model, taken, why }: NonNullable<TaskView['choice']>[number]): Html =>
  html`<p class="code">auto: ${taken ? html`<b>${model}</b> taken` : model}, ${why}</p>`;

function neighboursLine({ neighbours }: TaskView): Html {
  if (neighbours === null) return nothing;
  const { both, one, none } = neighbours;
  return html`<p class="code">Saw both neighbours of ${counted(both, 'image')}, one of ${one}, none of ${none}.</p>`;
}

/** By it a person finds what was made in the PACS. */
const madeLine = ({ seriesInstanceUid }: TaskView): Html =>
  seriesInstanceUid === null
    ? nothing
    : html`<p class="code soft">Series Instance UID of the result: ${seriesInstanceUid}</p>`;

const taskPart = (task: TaskView): Html =>
  html`<div class="part">
      <p>${word(task.state)} <b>${task.name}</b> ${task.says}</p>
      <p class="code soft">
        ${task.model.id} ${task.model.version}, rule
        ${task.rule}${task.provider === null ? '' : `, on ${task.provider}`}
      </p>
      ${task.code === null ? '' : codeLine(task.code)} ${task.warnings.map(codeLine)}
      ${(task.choice ?? []).map(choiceLine)} ${neighboursLine(task)} ${madeLine(task)}
    </div>
    ${figureTable(task)}`;

const deliveryPart = ({ task, peer, state, says, fault, commitment }: DeliveryView): Html =>
  html`<div class="part">
    <p>${word(state)} <b>${task}</b> to <b>${peer}</b>: ${says}</p>
    ${fault === null ? '' : html`<p class="code"><code>${fault.code}</code> ${fault.detail || 'the peer gave no comment'}</p>`}
    ${commitment === null ? '' : html`<p class="code">Storage commitment ${commitment.state}: ${commitment.says}</p>`}
  </div>`;

function revisionCard(revision: RevisionView, nowMs: number): Html {
  const { decision } = revision;
  const why = `: ${closingSays(revision)}`;
  const swept = revision.swept ? ' Retention has taken the pixels away.' : '';
  // Held for that, it is told below.
  const rules = (decision?.rules ?? []).filter(({ matched }) => matched).map(({ name }) => name);
  const byRules = rules.length === 0 ? 'No rule matches.' : `By rule ${rules.join(', ')}.`;
  const routed = decision === null ? 'Not routed yet.' : byRules;
  return html`<section class="card">
    <h2>Revision ${revision.revision}</h2>
    <div class="part">
      <p>${counted(revision.instances, 'instance')}, closed ${ago(revision.closedAt, nowMs)}${why}.${swept}</p>
      ${isUnruled(revision) ? '' : html`<p>${routed}</p>`} ${revision.warnings.map(codeLine)}
      ${(decision?.held ?? []).map(codeLine)}
    </div>
    ${revision.tasks.map(taskPart)} ${revision.deliveries.map(deliveryPart)}
  </section>`;
}

function historyCard({ promises, actions }: SeriesView, nowMs: number): Html {
  if (promises.length === 0 && actions.length === 0) return nothing;
  return html`<section class="card">
    <h2>What people and peers asked for</h2>
    ${promises.map(
      ({ by, at, until, says }) =>
        html`<div class="part">
          <p>Storage commitment, asked by ${by} ${ago(at, nowMs)}: ${says} Pixels stay until ${momentSays(until)}.</p>
        </div>`,
    )}
    ${actions.map(
      ({ at, by, says, why }) =>
        html`<div class="part">
          <p><b>${says}</b> by ${by}, ${ago(at, nowMs)}${why === '' ? '' : `: ${why}`}</p>
        </div>`,
    )}
  </section>`;
}

/** What a person has to do, where the series waits for one. */
function toDoCard(view: SeriesView): Html {
  const acts = toDo(view);
  if (acts.length === 0) return nothing;
  return html`<section class="card">
    <h2>What to do</h2>
    ${acts.map(
      ({ command, does }) =>
        html`<div class="part">
          <p><code class="command">${command}</code> ${does}</p>
        </div>`,
    )}
  </section>`;
}

/** What can be asked for at any time; what waits for a person is told above. Nothing that would be refused, or of which nothing would come. */
function actsLine(view: SeriesView): Html {
  const { key, state, revisions } = view;
  if (state === 'unreadable') return nothing;
  const verbs = [
    ...(mayRequeue(view) ? ['requeue'] : []),
    ...(state === 'done' || state === 'held' ? [] : ['hold', 'discard']),
  ];
  const acts = verbs.map(
    (verb, i) => html`${i === 0 ? ' To act on it: ' : ', '}<code class="command">limpid series ${verb} ${key}</code>`,
  );
  const isMade = revisions.some(({ tasks }) =>
    tasks.some((task) => task.state === 'enhanced' || task.state === 'released'),
  );
  const withdraw = html` To have its derived series rejected by every peer that has them:
    <code class="command">limpid series withdraw ${key} --reason quality</code>, or <code>safety</code>.`;
  return html`${acts}${acts.length === 0 ? '' : '.'}${isMade ? withdraw : ''}`;
}

/** The whole page. */
export function seriesPage(view: SeriesView, nowMs: number, still = false): string {
  const from = view.sources.map(({ peer, callingAe, address }) => `${peer} (${callingAe} at ${address})`).join(', ');
  const facts: readonly (readonly [string, Html | string | null])[] = [
    ['From', from],
    ['Modality', view.modality],
    ['Priority', view.priority],
    ['Study', view.studyInstanceUid],
    ['Series', view.seriesInstanceUid],
    ['Changed', view.changedAt === null ? null : ago(view.changedAt, nowMs)],
  ];
  const known = facts.filter(([, value]) => value !== null && value !== '');
  const factsCard = html`<section class="card">
    <dl>
      ${known.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
  </section>`;
  const body = html`<header>
      <h1><a href="${pathTo('/', still)}">limpid</a> <code>${view.key}</code></h1>
      ${seriesWord(summaryOf(view))} <span class="soft">${view.says}</span>
      ${stillLink(`/series/${view.key}`, still, nowMs)}
    </header>
    ${known.length === 0 ? nothing : factsCard} ${toDoCard(view)}
    ${view.revisions.toReversed().map((revision) => revisionCard(revision, nowMs))} ${historyCard(view, nowMs)}
    <footer>
      ${asOf(nowMs)} <a href="${pathTo('/', still)}">All series</a> · <a href="/api/series/${view.key}">as JSON</a>,
      with the conditions of each rule.${actsLine(view)}
    </footer>`;
  const renews = view.state === 'done' ? 'later' : 'soon';
  return pageOf(view.key, still ? 'never' : renews, body);
}

const noSeriesSays = {
  unknown: 'No such series is kept here.',
  unavailable: 'Not available now: see the log of the node.',
} as const;

/** What stands in the place of a series that is not here, or cannot be read now: that one may come back. */
export const noSeriesPage = (key: string, why: 'unknown' | 'unavailable', still = false): string =>
  pageOf(
    key,
    why === 'unknown' ? 'never' : 'soon',
    html`<header>
        <h1><a href="${pathTo('/', still)}">limpid</a> <code>${key}</code></h1>
      </header>
      <section class="card">
        <p class="part">${noSeriesSays[why]} <a href="${pathTo('/', still)}">All series</a></p>
      </section>`,
  );
