import { AppError } from '../errors.ts';
import { definePostRoute } from './post-route.ts';
import { answerTooMany } from './problem.ts';
import { createRateLimit } from './rate-limit.ts';
import type { Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { sendText } from './send-json.ts';

export type PostEvidenceDeps = Readonly<{
  /** Verifies an evidence file, whatever its bytes, and records it once; it is on record before this resolves. */
  offerEvidence: (file: Uint8Array) => Promise<EvidenceAnswer>;
}>;

export type EvidenceAnswer =
  | Readonly<{ kind: 'accepted' | 'known'; digest: string }>
  /** It proves nothing: the reason as a code and as a sentence. */
  | Readonly<{ kind: 'refused'; reason: string; detail: string }>
  /** As much as can be verified waits already. */
  | Readonly<{ kind: 'busy' }>;

/** An event has 65,535 bytes, and the file becomes part of one. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Evidence is rare, but each piece comes once from every validator that relays it, all within a block;
 * most are told by their digest alone. One that is not costs a few signature checks, some 0.4 ms each.
 */
const LIMITS = {
  perNetwork: { burst: 20, perSecond: 2 },
  overall: { burst: 512, perSecond: 50 },
} as const;

/** A block: what waits is verified within it. */
const BUSY_SECONDS = 12;

/** POST /v1/evidence: takes evidence of a validator's misbehaviour from anybody, and verifies it. */
export function postEvidence({ offerEvidence }: PostEvidenceDeps): Route {
  return definePostRoute(spec, createRateLimit(LIMITS), async ({ body, req, res }) => {
    const answer = await offerEvidence(body);
    switch (answer.kind) {
      case 'accepted':
      case 'known': {
        const { kind, digest } = answer;
        const text = JSON.stringify({ digest, status: kind });
        const location = ['Location', `${spec.path}/${digest}`];
        return sendText(res, kind === 'accepted' ? 201 : 200, text, 'application/json', location);
      }
      case 'refused': {
        const { reason, detail } = answer;
        throw new AppError('evidence.invalid', { reason, detail });
      }
      case 'busy':
        return answerTooMany(req, res, BUSY_SECONDS);
    }
  });
}

const receipt = {
  contentType: 'application/json',
  schema: 'EvidenceReceipt',
  headers: { Location: 'The path of the file' },
} as const;

const spec = {
  path: '/v1/evidence',
  summary: 'Offers evidence of misbehaviour',
  params: NoParams,
  query: NoParams,
  body: {
    description: 'An evidence file: EJ1',
    contentType: 'application/json',
    schema: 'EvidenceFile',
    maxBytes: MAX_BODY_BYTES,
  },
  answers: [
    { ...receipt, status: 201, description: 'It was verified and is recorded' },
    { ...receipt, status: 200, description: 'It was known' },
  ],
  problems: [422],
} as const;
