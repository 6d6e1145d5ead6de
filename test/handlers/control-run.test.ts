import { expect, test } from 'vitest';
import { isAppError } from '#src/errors.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';
import { closeRun, decideOpening, openRun } from '#src/handlers/control-run.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const PHASES = { snapshot: 20, commit: 24, decide: 28, certify: 32 };
const RUN = {
  family: 'general_chat',
  run: 'run-7',
  roster: sha256('roster'),
  miners: ['m1x', 'm2x'].map(hotkeyOf),
  tasks: ['task-1', 'task-2'],
  phases: PHASES,
};
const ALONE = { family: RUN.family, runs: [], block: null };

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isAppError(error, 'input.invalid')) return error.message;
    throw error;
  }
  return 'taken';
}

test('a run is opened with exactly what was given', () => {
  expect(decideOpening(RUN, ALONE)).toEqual({ type: 'run.opened.v1', data: RUN });
});

test.for<readonly [string, unknown, string]>([
  ['nothing', null, 'expected object'],
  ['no run', { ...RUN, run: undefined }, 'at run'],
  ['a run with a leading zero', { ...RUN, run: 'run-07' }, 'at run'],
  ['a family that is none', { ...RUN, family: 'General' }, 'at family'],
  ['a roster that is no digest', { ...RUN, roster: 'x' }, 'at roster'],
  ['no miner', { ...RUN, miners: [] }, 'at miners'],
  ['miners out of order', { ...RUN, miners: RUN.miners.toReversed() }, 'at miners'],
  ['a miner twice', { ...RUN, miners: [RUN.miners[0], RUN.miners[0]] }, 'at miners'],
  ['a task twice', { ...RUN, tasks: ['task-1', 'task-1'] }, 'at tasks'],
  [
    '257 tasks',
    { ...RUN, tasks: Array.from({ length: 257 }, (_, n) => `task-${1_000 + n}`) },
    'at tasks',
  ],
  ['phases out of order', { ...RUN, phases: { ...PHASES, commit: 28 } }, 'at phases'],
  [
    'a phase that is missing',
    { ...RUN, phases: { ...PHASES, certify: undefined } },
    'at phases.certify',
  ],
  [
    'a phase that is no block',
    { ...RUN, phases: { ...PHASES, snapshot: -1 } },
    'at phases.snapshot',
  ],
  ['a field that is unknown', { ...RUN, extra: 1 }, '"extra"'],
  ['another family', { ...RUN, family: 'other_family' }, 'EIREL_FAMILY'],
])('an opening with %s is refused, and the field named', ([, input, field]) => {
  expect(refusalOf(() => decideOpening(input, ALONE))).toContain(field);
});

test.for([
  { known: 'run-6', outcome: 'taken' },
  { known: 'run-7', outcome: 'a run after run-7' },
  { known: 'run-8', outcome: 'a run after run-8' },
  { known: 'run-10', outcome: 'a run after run-10' },
])('beside $known run-7 is: $outcome', ({ known, outcome }) => {
  const runs = [{ run: known, status: 'closed' as const }];
  expect(refusalOf(() => decideOpening(RUN, { ...ALONE, runs }))).toContain(outcome);
});

test.for([
  { block: 0, outcome: 'taken' },
  { block: 23, outcome: 'taken' },
  { block: 24, outcome: 'a block after 24' },
  { block: 99, outcome: 'a block after 99' },
])('with block $block final the commit block 24 is: $outcome', ({ block, outcome }) => {
  expect(refusalOf(() => decideOpening(RUN, { ...ALONE, block }))).toContain(outcome);
});

/** A log that shows at once what was recorded. */
function logOf() {
  const recorded: DomainEvent[] = [];
  const find = (family: string, run: string) => {
    const opened = recorded.find(
      (event) =>
        event.type === 'run.opened.v1' && event.data.family === family && event.data.run === run,
    );
    if (opened?.type !== 'run.opened.v1') return Promise.resolve(null);
    const closed = recorded.some(({ type, data }) => type === 'run.closed.v1' && data.run === run);
    return Promise.resolve({
      ...opened.data,
      status: closed ? ('closed' as const) : ('open' as const),
    });
  };
  return {
    recorded,
    open: (input: unknown, block: number | null = null) =>
      openRun(input, {
        family: RUN.family,
        listRuns: (family) =>
          Promise.resolve(
            recorded.flatMap(({ type, data }) =>
              type === 'run.opened.v1' && data.family === family
                ? [{ run: data.run, status: 'open' as const }]
                : [],
            ),
          ),
        findRun: find,
        finalizedBlock: () => block,
        record: (events) => Promise.resolve(void recorded.push(...events)),
      }),
    close: (run: string) =>
      closeRun(
        { family: 'general_chat', run, reason: 'requested' },
        { findRun: find, record: (events) => Promise.resolve(void recorded.push(...events)) },
      ),
  };
}

test('opening a run again changes nothing, however late', async () => {
  const log = logOf();
  expect(await log.open(RUN)).toEqual({ opened: true });
  expect(await log.open(RUN)).toEqual({ opened: false });
  // The keys of a JSON object have no order, and a deadline that has passed is no matter of a repeat.
  const { phases } = RUN;
  const shuffled = { ...RUN, phases: Object.fromEntries(Object.entries(phases).toReversed()) };
  expect(await log.open(shuffled, 99)).toEqual({ opened: false });
  expect(log.recorded).toHaveLength(1);
});

test.for([
  { title: 'roster', changes: { roster: sha256('other') } },
  { title: 'miners', changes: { miners: RUN.miners.slice(1) } },
  { title: 'tasks', changes: { tasks: ['task-1'] } },
  { title: 'phases', changes: { phases: { ...PHASES, certify: 33 } } },
])('a run is not opened again with other $title', async ({ changes }) => {
  const log = logOf();
  await log.open(RUN);
  await expect(log.open({ ...RUN, ...changes })).rejects.toThrow('a run after run-7');
  expect(log.recorded).toHaveLength(1);
});

test('a malformed opening is refused before anything is asked or recorded', async () => {
  const log = logOf();
  await expect(log.open({ ...RUN, miners: 'all' })).rejects.toThrow('miners');
  expect(log.recorded).toEqual([]);
});

test('a run is closed once, and only if it was opened', async () => {
  const log = logOf();
  await expect(log.close('run-7')).rejects.toThrow('a run that was opened');
  await log.open(RUN);
  expect(await log.close('run-7')).toEqual({ closed: true });
  expect(await log.close('run-7')).toEqual({ closed: false });
  expect(log.recorded.map(({ type }) => type)).toEqual(['run.opened.v1', 'run.closed.v1']);
  expect(log.recorded[1]?.data).toMatchObject({ run: 'run-7', reason: 'requested' });
});
