import type { DomainEvent } from '../../events/catalogue.ts';
import type { Head } from '../../events/envelope.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Invoked } from '../../projectors/evaluation.ts';
import type { LedgerClient } from '../ledger/ledger-port.ts';

/**
 * What the own ledger has of an invocation's jobs, each closed before it is read: the tools of all of them, and what they
 * cost together. When the ledger does not tell of one of them there is no evidence at all; a cost that it does not
 * know is unknown, never zero.
 */
export async function gatherEvidence(
  { family, run, task, miner, attempt, jobs }: Invoked,
  { ledger }: Readonly<{ ledger: Pick<LedgerClient, 'closeJob' | 'readLedger'> }>,
): Promise<Readonly<{ kind: 'done'; event: DomainEvent } | { kind: 'later'; detail: string }>> {
  const tools = new Set<string>();
  let sum = 0;
  let unknown: string | null = null;
  let head: Head | null = null;
  for (const job of jobs) {
    const closed = await ledger.closeJob(job);
    if (closed.kind !== 'ok') return later(`${job} is not closed: ${closed.detail}`);
    const read = await ledger.readLedger(job);
    if (read.kind !== 'ok') return later(`${job} is not read: ${read.detail}`);
    const { ledger: found } = read;
    if (!found.opened || !found.closed) return later(`${job} is not final at the ledger`);
    for (const tool of found.tools) tools.add(tool);
    if (found.cost.state === 'known') sum += found.cost.nanoUsd;
    else unknown ??= found.cost.reason;
    head = found.ledger;
  }
  if (!Number.isSafeInteger(sum)) unknown ??= 'more than 2^53 nano-USD';
  const cost =
    unknown === null
      ? ({ state: 'known', cost: sum } as const)
      : ({ state: 'unknown', reason: detailOf(unknown) } as const);
  return {
    kind: 'done',
    event: {
      type: 'evidence.gathered.v1',
      data: {
        family,
        run,
        task,
        miner,
        attempt,
        tools: [...tools].toSorted().slice(0, MAX_TOOLS),
        cost,
        ledger: head === null ? null : { size: head.size, hash: head.hash },
      },
    },
  };
}

/** As many as an event holds: there are four tools with a few functions each. */
const MAX_TOOLS = 64;

function later(detail: string): { kind: 'later'; detail: string } {
  return { kind: 'later', detail: detailOf(detail) };
}
