import { expect, test } from 'vitest';
import { createReplay, type Recomputed } from '#src/audit/replay.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Recorded } from '#src/events/envelope.ts';
import { everybody, playRun, startSubnet, stopSubnet } from '../support/simulated-run.ts';
import { RULES } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });

function replay(events: readonly Recorded[]): readonly Recomputed[] {
  const step = createReplay();
  return events.flatMap((event) => step(event) ?? []);
}

/** The logs of all validators after a run under these rules. */
async function logsOf(requireCommitment: boolean, forgetful: readonly string[] = []) {
  const subnet = await startSubnet({ rules: { ...RULES, requireCommitment } });
  try {
    for (const name of forgetful) subnet.chain.state.forgetful.add(name);
    await playRun(subnet, 1, MEASURED);
    return await Promise.all(subnet.nodes.map((node) => node.events()));
  } finally {
    await stopSubnet(subnet);
  }
}

const committed = await logsOf(true);

test.for([
  { title: 'without commitments', logs: () => logsOf(false) },
  { title: 'with commitments', logs: async () => committed },
  { title: 'with commitments that v1 never learnt', logs: () => logsOf(true, ['v1']) },
])('a decision $title follows from its own log', async ({ logs }) => {
  for (const events of await logs())
    expect(replay(events)).toMatchObject([{ run: 'run-1', verdict: 'equal', detail: null }]);
});

type Change = Readonly<{ title: string; change: (event: DomainEvent) => DomainEvent }>;

test.for<Change>([
  {
    title: 'another first commitment',
    change: (event) =>
      event.type !== 'commitments.read.v1'
        ? event
        : {
            ...event,
            data: {
              ...event.data,
              found: event.data.found.map((each) => ({
                ...each,
                first: { ...each.first, digest: 'ab'.repeat(32) },
              })),
            },
          },
  },
  {
    title: 'commitments that were not read to their end',
    change: (event) =>
      event.type === 'commitments.read.v1'
        ? { ...event, data: { ...event.data, upTo: event.data.upTo - 1 } }
        : event,
  },
  {
    title: 'rules that require no commitment',
    change: (event) =>
      event.type === 'inputs.gathered.v1'
        ? {
            ...event,
            data: { ...event.data, rules: { ...event.data.rules, requireCommitment: false } },
          }
        : event,
  },
])('a log with $title does not give its decision', ({ change }) => {
  const [events = []] = committed;
  const altered = events.map((recorded) => ({ ...recorded, event: change(recorded.event) }));
  expect(replay(altered)).toMatchObject([{ verdict: 'differs' }]);
});
