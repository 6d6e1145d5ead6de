import type { Fault } from '../audit/fault.ts';
import { logAddress, ownLog } from './log-address.ts';
import type { Answer, Ask, Fact } from './messages.ts';

/** How often the figure of events a second is renewed. */
const RATE_INTERVAL_MS = 500;

const form = part('form', HTMLFormElement);
const log = part('log', HTMLInputElement);
const button = part('button', HTMLButtonElement);
const progress = part('progress', HTMLElement);
const bar = part('bar', HTMLProgressElement);
const done = part('done', HTMLElement);
const result = part('result', HTMLElement);
const verdict = part('verdict', HTMLElement);
const verdictTitle = part('verdict-title', HTMLElement);
const verdictText = part('verdict-text', HTMLElement);
const faultList = part('faults', HTMLElement);
const factList = part('facts', HTMLElement);
const faultTemplate = part('fault', HTMLTemplateElement);

/** The audit under way; undefined between two. */
let worker: Worker | undefined;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const address = logAddress(log.value);
  if (worker !== undefined) end('unknown', 'Stopped', 'The log was not read to its end.');
  else if (address !== null) audit(address);
});

const asked = new URLSearchParams(location.search).get('log');
log.value = asked ?? ownLog(location.href);
// An address in the query is audited at once, so that an audit can be linked to.
if (asked !== null) form.requestSubmit();

function audit(address: string): void {
  log.value = address;
  history.replaceState(null, '', `?${new URLSearchParams({ log: address })}`);
  verdict.hidden = true;
  result.hidden = true;
  progress.hidden = false;
  button.textContent = 'Stop';
  button.dataset['running'] = '';
  bar.removeAttribute('value');
  done.textContent = 'Reading the checkpoint…';
  const rate = createRate();
  const running = new Worker(new URL('verifier.js', import.meta.url), { type: 'module' });
  worker = running;
  running.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
    // What an audit said before it was stopped may come after that.
    if (worker === running) show(data, rate);
  });
  running.addEventListener('error', ({ message }) =>
    end('unknown', 'Not audited', `The verifier failed: ${message}`),
  );
  running.postMessage({ log: address } satisfies Ask);
}

function show(answer: Answer, rate: (done: number) => number | null): void {
  switch (answer.kind) {
    case 'progress':
      return showProgress(answer.done, answer.total, rate(answer.done));
    case 'verdict':
      return showVerdict(answer);
    case 'failed':
      return end('unknown', 'Not audited', answer.reason);
  }
}

function showProgress(events: number, total: number | null, rate: number | null): void {
  if (total !== null) {
    bar.max = total;
    bar.value = events;
  }
  const of = total === null ? '' : ` of ${count(total)}`;
  done.textContent = `${count(events)}${of} events${rate === null ? '' : `, ${count(rate)} a second`}`;
}

function showVerdict({ checkpoint, faults, facts }: Extract<Answer, { kind: 'verdict' }>): void {
  const [first] = faults;
  if (first === undefined && checkpoint === 'verified') {
    end('clean', 'The log is clean', 'Every event and every decision in it is as it has to be.');
  } else if (first === undefined) {
    end(
      'unknown',
      'No checkpoint',
      'What is served is in order, but nothing says that it is the whole log.',
    );
  } else {
    const more = faults.length === 1 ? '' : `, and ${count(faults.length - 1)} more`;
    end('faulty', 'The log is faulty', `${placeOf(first)}: ${first.code}${more}.`);
  }
  faultList.replaceChildren(...faults.map(faultItem));
  factList.replaceChildren(...facts.flatMap(factItem));
  result.hidden = false;
}

function end(kind: 'clean' | 'faulty' | 'unknown', title: string, text: string): void {
  worker?.terminate();
  worker = undefined;
  progress.hidden = true;
  button.textContent = 'Audit';
  delete button.dataset['running'];
  verdict.dataset['verdict'] = kind;
  verdictTitle.textContent = title;
  verdictText.textContent = text;
  verdict.hidden = false;
}

function faultItem(fault: Fault): DocumentFragment {
  const item = document.importNode(faultTemplate.content, true);
  const texts = {
    '.place': placeOf(fault),
    '.code': fault.code,
    '.where': fault.where ?? 'the event itself',
    '.expected': fault.expected,
    '.found': fault.found,
  };
  for (const [selector, text] of Object.entries(texts)) {
    const field = item.querySelector(selector);
    if (field !== null) field.textContent = text;
  }
  return item;
}

function factItem({ name, value, exact }: Fact): readonly HTMLElement[] {
  const term = document.createElement('dt');
  term.textContent = name;
  const description = document.createElement('dd');
  description.textContent = value;
  if (exact) description.className = 'exact';
  return [term, description];
}

function placeOf({ index }: Fault): string {
  return index === null ? 'The log as a whole' : `Event ${count(index)}`;
}

/** Events a second since the first figure; null before there is a second one. */
function createRate(): (done: number) => number | null {
  const began = performance.now();
  let shownAt = began;
  let rate: number | null = null;
  return (done) => {
    const now = performance.now();
    if (now - shownAt < RATE_INTERVAL_MS) return rate;
    shownAt = now;
    rate = Math.round(done / ((now - began) / 1_000));
    return rate;
  };
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function part<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} ${id}`);
}
