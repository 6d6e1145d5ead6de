import type { CommitmentFound } from '../events/commitment.ts';
import type { DecisionRecord, InputsRecord } from '../events/decision.ts';
import { encode, type Json } from '../events/ej1.ts';
import { notFound } from './availability.ts';
import { joinDocuments } from './join-documents.ts';
import { defineRoute, type Route } from './route.ts';
import { FamilyQuery, RunParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetDecisionDeps = Readonly<{
  defaultFamily: string;
  /** What is decided in a run; null while there is neither a decision nor a statement, or no such run. */
  decision: (family: string, run: string) => Promise<RunDecision | null>;
}>;

export type RunDecision = Readonly<{
  /** What each voter committed to on chain, and a second commitment where there is one; null before it was read. */
  commitments: readonly CommitmentFound[] | null;
  decision: DecisionRecord | null;
  inputs: InputsRecord | null;
  /** Wire documents (EJ1) of signed decisions, this validator's own first. */
  statements: readonly Uint8Array[];
}>;

/** GET /v1/consensus/decisions/{run_id}: the decision of a run, what it rests on, and who committed to and signed what. */
export function getDecision({ defaultFamily, decision }: GetDecisionDeps): Route {
  return defineRoute(spec, async ({ params, query, req, res }) => {
    const { run_id: run } = params;
    const family = query.family ?? defaultFamily;
    const found = await decision(family, run);
    if (found === null) {
      throw notFound(run, 'none-yet', `There is no decision for ${run} of ${family}.`);
    }
    // safe: the schemas of these events are JSON
    const commitments = encode(found.commitments as Json);
    // safe: as above
    const made = encode(found.decision as Json);
    const inputs = encode(found.inputs as Json); // safe: as above
    const bytes = joinDocuments(
      `{"commitments":${commitments},"decision":${made},"family":"${family}","inputs":${inputs},"run":"${run}","statements":[`,
      found.statements,
      ']}',
    );
    sendDocument(req, res, byteDocument(bytes, 'revalidate'));
  });
}

const spec = {
  path: '/v1/consensus/decisions/:run_id',
  summary: 'The decision of a run, its inputs, and the signed decisions held for it',
  params: RunParams,
  query: FamilyQuery,
  answers: [
    {
      status: 200,
      description: 'Decision and inputs in EJ1, whose digests are what was signed',
      contentType: 'application/json',
      schema: 'Decisions',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
