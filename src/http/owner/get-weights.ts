import { z } from 'zod';
import { Family, RunId, Ss58 } from '../../events/scalars.ts';
import { defineRoute, type Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { sendJson } from '../send-json.ts';

const Share = z.number().min(0).max(1);

const OwnerWeights = z.strictObject({
  run_id: RunId.nullable(),
  weights: z.record(Ss58, Share),
  family_winners: z.array(
    z.strictObject({
      family_id: Family,
      winner_hotkey: Ss58.nullable(),
      family_weight: Share,
      official_family_score: Share,
    }),
  ),
  ready: z.boolean(),
});

export type GetWeightsDeps = Readonly<{
  /** Whom the newest run that ended chose, or the named one. */
  weights: (run?: string) => Promise<z.infer<typeof OwnerWeights>>;
}>;

/** GET /v1/weights: the owner's pick. */
export function getWeights({ weights }: GetWeightsDeps): Route {
  return defineRoute(spec, async ({ query, res }) => {
    sendJson(res, 200, await weights(query.run_id));
  });
}

const spec = {
  path: '/v1/weights',
  summary: 'Whom the owner picked, and with which share',
  params: NoParams,
  query: z.strictObject({ run_id: RunId.optional() }),
  answers: [
    {
      status: 200,
      description: '`ready` is false where no run has ended, or the named one has not',
      contentType: 'application/json',
      schema: OwnerWeights,
      headers: {},
    },
  ],
  problems: [],
} as const;
