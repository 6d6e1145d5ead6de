import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Hex32 } from '../events/scalars.ts';
import { NOTE_TYPE } from './get-log-checkpoint.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetWitnessCheckpointDeps = Readonly<{
  /** The newest checkpoint that this validator cosigned of the log with this SHA-256 of its origin; null for none. */
  witnessedCheckpoint: (originHash: string) => Promise<Uint8Array | null>;
}>;

/** GET /witness/{origin_hash}/checkpoint: what this validator witnessed last of another's log. */
export function getWitnessCheckpoint({ witnessedCheckpoint }: GetWitnessCheckpointDeps): Route {
  return defineRoute(spec, async ({ params: { origin_hash: originHash }, req, res }) => {
    const note = await witnessedCheckpoint(originHash);
    if (note === null) {
      throw new AppError('request.not-found', {
        field: 'origin_hash',
        value: originHash,
        reason: 'not-witnessed',
        detail: 'No checkpoint of a log with this SHA-256 of its origin was cosigned here.',
      });
    }
    sendDocument(req, res, byteDocument(note, 'revalidate', NOTE_TYPE));
  });
}

const spec = {
  path: '/witness/:origin_hash/checkpoint',
  summary: "The newest checkpoint of another validator's log that this one cosigned",
  params: z.strictObject({ origin_hash: Hex32 }),
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'The signed note as this validator cosigned it',
      contentType: 'text/plain',
      schema: null,
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
