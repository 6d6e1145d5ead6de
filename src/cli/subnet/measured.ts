import type { DomainEvent } from '../../events/catalogue.ts';

/** What one validator measured of one miner in a run, and what became of its archive. */
export type Measured = Readonly<{
  miner: string;
  /** Mean of its judged pairs, in 1e-9; null where nothing was judged. */
  score: number | null;
  judged: number;
  /** Median of its tasks, in milliseconds; null where none was given to it. */
  latencyMs: number | null;
  /** In 1e-9 USD, by the own ledger; null where any part of it is unknown. */
  cost: number | null;
  /** Tools that the own ledger attests, with the number of tasks. */
  tools: Readonly<Record<string, number>>;
  /** Why answers counted nothing, each reason once. */
  knockouts: readonly string[];
  /** Why it was not run; null where it was. */
  refused: string | null;
}>;

/** Reads out of a validator's events of a run what it measured, a row for each miner, sorted. */
export function measuredIn(events: readonly DomainEvent[]): readonly Measured[] {
  const opened = events.find((event) => event.type === 'run.opened.v1');
  return (opened?.data.miners ?? []).map((miner) => measuredOf(miner, events));
}

function measuredOf(miner: string, events: readonly DomainEvent[]): Measured {
  const own = events.filter(({ data }) => 'miner' in data && data.miner === miner);
  const scores = own.flatMap((event) =>
    event.type === 'score.recorded.v1' && event.data.score !== null ? [event.data.score] : [],
  );
  const latencies = own.flatMap((event) =>
    event.type === 'task.invoked.v1' ? [event.data.latencyMs] : [],
  );
  const evidence = own.flatMap((event) =>
    event.type === 'evidence.gathered.v1' ? [event.data] : [],
  );
  const refusal = own.find((event) => event.type === 'archive.refused.v1');
  const tools = Map.groupBy(
    evidence.flatMap((each) => each.tools ?? []),
    (tool) => tool,
  );
  return {
    miner,
    score: scores.length === 0 ? null : Math.round(sum(scores) / scores.length),
    judged: scores.length,
    latencyMs: latencies.toSorted((a, b) => a - b)[Math.floor((latencies.length - 1) / 2)] ?? null,
    cost: costOf(evidence.map(({ cost }) => cost)),
    tools: Object.fromEntries([...tools].map(([tool, uses]) => [tool, uses.length])),
    knockouts: [
      ...new Set(
        own.flatMap((event) =>
          event.type === 'task.judged.v1' && event.data.knockout !== null
            ? [event.data.knockout]
            : [],
        ),
      ),
    ],
    refused: refusal === undefined ? null : `${refusal.data.reason}: ${refusal.data.detail}`,
  };
}

type Cost = Extract<DomainEvent, { type: 'evidence.gathered.v1' }>['data']['cost'];

/** A sum with one part unknown is unknown; so is one of nothing. */
function costOf(costs: readonly Cost[]): number | null {
  if (costs.length === 0) return null;
  return costs.reduce<number | null>(
    (total, cost) => (total === null || cost.state !== 'known' ? null : total + cost.cost),
    0,
  );
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}
