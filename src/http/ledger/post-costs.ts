import type { EventOf } from '../../events/define-event.ts';
import type { CostMetered, CostReserved } from '../../events/job.ts';
import type { Route } from '../route.ts';
import { sendJson } from '../send-json.ts';
import { BASE, type LedgerPosting, ledgerPost, type Ruled, takenOf } from './ledger-route.ts';
import { modelCallRow, pendingRow } from './wire-answer.ts';
import { costsIn, readJson, reservedIn } from './wire-body.ts';

export type PostCostsDeps = LedgerPosting &
  Readonly<{
    /** Records calls of models; all of them are stored when it resolves, or none is. */
    meter: (calls: readonly EventOf<typeof CostMetered>['data'][]) => Promise<Ruled>;
  }>;

export type PostReservationsDeps = LedgerPosting &
  Readonly<{
    /** Records that a model is about to be called. */
    reserve: (call: EventOf<typeof CostReserved>['data']) => Promise<Ruled>;
  }>;

/** POST …/costs/reservations: takes a call of a model that is about to be made. */
export function postReservations({ reserve, ...deps }: PostReservationsDeps): Route {
  return ledgerPost(reservations, deps, async ({ body, res }) => {
    const call = reservedIn(readJson(body));
    const [fact] = takenOf(await reserve(call));
    if (fact === undefined) throw new TypeError('a reservation was taken without a fact');
    sendJson(res, 201, pendingRow({ data: call, time: fact.time }));
  });
}

/** POST …/costs: takes what a call of a model cost, or an array of such. */
export function postCosts({ meter, ...deps }: PostCostsDeps): Route {
  return ledgerPost(spec, deps, async ({ body, res }) => {
    const { many, calls } = await costsIn(readJson(body), deps);
    const facts = takenOf(await meter(calls));
    const [call] = calls;
    const [fact] = facts;
    if (many || call === undefined || fact === undefined) {
      const rows = facts.filter(({ again }) => !again).length;
      return sendJson(res, 201, { accepted: facts.length, rows });
    }
    sendJson(res, 201, modelCallRow({ data: call, time: fact.time }));
  });
}

const answer = { contentType: 'application/json', schema: null, headers: {} } as const;

const reservations = {
  path: `${BASE}/costs/reservations`,
  summary: 'Records that a model is about to be called, and the most that it can cost',
  answers: [{ ...answer, status: 201, description: 'Its row; the same call_id again is the same' }],
} as const;

const spec = {
  path: `${BASE}/costs`,
  summary:
    'Records metered calls of models: one, or an array of at most 1,000, all of them or none',
  answers: [
    { ...answer, status: 201, description: 'As for calls of tools; an unknown cost is null' },
  ],
} as const;
