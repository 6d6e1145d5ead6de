import { type CallName, factsAmong } from '../../projectors/ledger-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import { type Facts, factsOf } from './facts.ts';
import type { Wish } from './rule-on-wish.ts';

/** What the projection has of the things that these wishes are about, of one moment. */
export async function lookUp(wishes: readonly Wish[], queries: Queries): Promise<Facts> {
  const jobs = new Set<string>();
  const [tools, models]: [CallName[], CallName[]] = [[], []];
  for (const wish of wishes) {
    if (wish.kind === 'open') jobs.add(wish.terms.job);
    else if (wish.kind === 'close') jobs.add(wish.job);
    else {
      const { job, call } = wish.call;
      jobs.add(job);
      (wish.kind === 'attest' ? tools : models).push([job, call]);
    }
  }
  const found = await factsAmong(queries, { jobs: [...jobs], tools, models });
  const facts: Facts = new Map();
  for (const opened of found.jobs) factsOf(facts, opened.data.job).opened = opened;
  for (const call of found.tools) factsOf(facts, call.data.job).toolCalls.set(call.data.call, call);
  for (const call of found.reserved)
    factsOf(facts, call.data.job).reserved.set(call.data.call, call);
  for (const call of found.models)
    factsOf(facts, call.data.job).modelCalls.set(call.data.call, call);
  return facts;
}
