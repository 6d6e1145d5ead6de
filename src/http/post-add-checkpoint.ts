import type { WitnessRefusal } from '../sequencer/witness.ts';
import { NOTE_TYPE } from './get-log-checkpoint.ts';
import { definePostRoute } from './post-route.ts';
import { answerUncosigned } from './problem.ts';
import { createRateLimit } from './rate-limit.ts';
import type { Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { sendText } from './send-json.ts';

export type PostAddCheckpointDeps = Readonly<{
  /** Decides on a request to cosign, whatever its bytes; what is cosigned is on record before this resolves. */
  addCheckpoint: (body: Uint8Array) => Promise<AddCheckpointAnswer>;
}>;

export type AddCheckpointAnswer =
  /** Signature lines of this witness, each with its newline. */
  | Readonly<{ kind: 'cosigned'; lines: string }>
  | Readonly<{ kind: 'refused'; refusal: WitnessRefusal }>;

/** A note with its cosignatures and a proof of 63 hashes takes some 6 KB; post-quantum signatures would take the rest. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Up to 256 validators push a checkpoint every few seconds; on one machine, for development, several
 * share an address. A hotkey's signature takes 0.4 ms to check and a cosignature about one to make: at
 * the overall rate a flood costs some fifth of a core.
 */
const LIMITS = {
  perNetwork: { burst: 40, perSecond: 20 },
  overall: { burst: 512, perSecond: 150 },
} as const;

/** POST /witness/add-checkpoint: cosigns a checkpoint of another validator's log that continues what was cosigned before (C2SP tlog-witness). */
export function postAddCheckpoint({ addCheckpoint }: PostAddCheckpointDeps): Route {
  return definePostRoute(spec, createRateLimit(LIMITS), async ({ body, req, res }) => {
    const answer = await addCheckpoint(body);
    if (answer.kind === 'cosigned') sendText(res, 200, answer.lines, NOTE_TYPE);
    else if (answer.refusal.status !== 409) answerUncosigned(req, res, answer.refusal);
    else sendText(res, 409, `${answer.refusal.size}\n`, SIZE_TYPE);
  });
}

/** C2SP tlog-witness names it. */
const SIZE_TYPE = 'text/x.tlog.size';

const spec = {
  path: '/witness/add-checkpoint',
  summary: "Asks this validator to cosign a checkpoint of another one's log",
  params: NoParams,
  query: NoParams,
  body: {
    description: 'Old size, consistency proof and checkpoint, as C2SP tlog-witness writes them',
    // The specification names no type, so clients send what they like.
    contentType: '*/*',
    schema: null,
    maxBytes: MAX_BODY_BYTES,
  },
  answers: [
    {
      status: 200,
      description: 'The cosignature: signature lines',
      contentType: 'text/plain',
      schema: null,
      headers: {},
    },
    {
      status: 409,
      description: 'The size of what was cosigned last, which the request does not start from',
      contentType: SIZE_TYPE,
      schema: null,
      headers: {},
    },
  ],
  problems: [403, 404, 422],
} as const;
