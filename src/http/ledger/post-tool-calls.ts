import type { EventOf } from '../../events/define-event.ts';
import type { ToolCalled } from '../../events/job.ts';
import type { Route } from '../route.ts';
import { sendJson, sendText } from '../send-json.ts';
import { BASE, type LedgerPosting, ledgerPost, type Ruled, takenOf } from './ledger-route.ts';
import { toolCallRow } from './wire-answer.ts';
import { readJson, toolCallsIn } from './wire-body.ts';

export type PostToolCallsDeps = LedgerPosting &
  Readonly<{
    /** Records calls of tools; all of them are stored when it resolves, or none is. */
    attest: (calls: readonly EventOf<typeof ToolCalled>['data'][]) => Promise<Ruled>;
    /** A name for a call that its sender did not name. */
    newName: () => string;
  }>;

/** POST …/tool_calls: takes an attestation, or an array of them. */
export function postToolCalls({ attest, newName, ...deps }: PostToolCallsDeps): Route {
  return ledgerPost(spec, deps, async ({ body, res }) => {
    const { many, calls } = await toolCallsIn(readJson(body), { newName, turn: deps.turn });
    const facts = takenOf(await attest(calls));
    const [call] = calls;
    const [fact] = facts;
    if (many || call === undefined || fact === undefined) {
      const rows = facts.filter(({ again }) => !again).length;
      return sendJson(res, 201, { accepted: facts.length, rows });
    }
    sendText(res, 201, toolCallRow({ data: call, time: fact.time }), 'application/json');
  });
}

const answer = { contentType: 'application/json', schema: null, headers: {} } as const;

const spec = {
  path: `${BASE}/tool_calls`,
  summary: 'Attests calls of tools: one, or an array of at most 1,000, all of them or none',
  answers: [
    {
      ...answer,
      status: 201,
      description:
        'The row of one call, or how many of an array were accepted and how many rows that made; the same call_id again makes none',
    },
  ],
} as const;
