import { factsAmong } from '../../projectors/ledger.ts';
import type { Queries } from '../../projectors/projector.ts';
import { type Facts, noFacts } from './facts.ts';
import type { Wish } from './rule-on-wish.ts';

/** What the projection has of the things that these wishes are about, of one moment. */
export async function lookUp(wishes: readonly Wish[], queries: Queries): Promise<Facts> {
  const [jobs, tools, models] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const wish of wishes) {
    if (wish.kind === 'open') jobs.add(wish.terms.job);
    else if (wish.kind === 'close') jobs.add(wish.job);
    else {
      jobs.add(wish.call.job);
      (wish.kind === 'attest' ? tools : models).add(wish.call.call);
    }
  }
  const names = { jobs: [...jobs], tools: [...tools], models: [...models] };
  const found = await factsAmong(queries, names);
  const facts = noFacts();
  for (const job of found.jobs) facts.jobs.set(job.data.job, job);
  for (const call of found.tools) facts.toolCalls.set(call.data.call, call);
  for (const call of found.reserved) facts.reserved.set(call.data.call, call);
  for (const call of found.models) facts.modelCalls.set(call.data.call, call);
  return facts;
}
