import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import { type Head, seal } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import { ledgerSource } from '#src/events/source.ts';
import { GENESIS, NETUID, SELF } from './honest-log.ts';

const SOURCE = ledgerSource({ genesis: GENESIS, netuid: NETUID, hotkey: SELF.hotkey });
const TIME = '2026-01-02T03:04:05.678Z';

type Invoked = Extract<DomainEvent, { type: 'task.invoked.v1' }>['data'];

/** What an honest ledger records of an invocation: two tools, a failed call of a third, and a call of a model. */
export function ledgerEventsOf({ family, run, task, miner, deployment, jobs }: Invoked) {
  return jobs.flatMap((job, at): readonly DomainEvent[] => {
    const name = `${sha256(job).slice(0, 16)}-${at}`;
    const terms = { budget: 1_000_000, calls: 12, expires: TIME };
    const model = { call: `${name}-m`, job, provider: 'chutes', model: 'small', prices: 'p' };
    return [
      { type: 'job.opened.v1', data: { family, run, job, task, miner, deployment, ...terms } },
      toolCalled(`${name}-1`, job, 'web_search', 'ok'),
      { type: 'cost.reserved.v1', data: { ...model, most: 50_000 } },
      toolCalled(`${name}-2`, job, 'sandbox', 'ok'),
      toolCalled(`${name}-3`, job, 'url_fetch', 'error'),
      { type: 'job.closed.v1', data: { family, run, job } },
      {
        type: 'cost.metered.v1',
        data: {
          ...model,
          promptTokens: 10,
          cachedTokens: 0,
          completionTokens: 10,
          latencyMs: 9,
          cost: 30_000,
          unknown: null,
          status: 'ok',
          error: null,
        },
      },
    ];
  });
}

function toolCalled(call: string, job: string, tool: string, status: string): DomainEvent {
  const args = '{"query":"q"}';
  const known = { args, argsHash: sha256(args), result: '{}', latencyMs: 1, error: null };
  return { type: 'tool.called.v1', data: { call, job, tool, ...known, cost: 10_000, status } };
}

/** The stored events of a log of that ledger, and its head behind each. */
export function ledgerLog(events: readonly DomainEvent[], source = SOURCE) {
  const payloads: Uint8Array[] = [];
  const heads: Head[] = [];
  let head: Head = EMPTY;
  for (const event of events) {
    const sealed = seal({ event, time: TIME, causationId: null }, source, head);
    head = sealed.head;
    payloads.push(sealed.payload);
    heads.push(head);
  }
  return { payloads, heads };
}
