import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { derivedUuid } from '../../evaluation/derived-uuid.ts';
import { manifestText } from '../../evaluation/submission-yaml.ts';
import { decode } from '../../events/ej1.ts';
import { sha256 } from '../../events/hash.ts';
import { detailOf } from '../../events/scalars.ts';
import {
  type Submission,
  submissionsNamed,
  submissionsOf,
} from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import type { Recorder } from '../recorder.ts';

/** What is in an archive, or why it is not taken. */
type InspectedArchive =
  | Readonly<{ kind: 'read'; entries: number; manifest: Uint8Array }>
  | Readonly<{ kind: 'fault'; code: string; detail: string }>;

export type ReceiveDeps = Readonly<{
  family: string;
  /** Archives that are taken from one hotkey, ever. */
  perHotkey: number;
  inspectArchive: (bytes: Uint8Array) => Promise<InspectedArchive>;
  registry: Queries;
  blobs: BlobStore;
  record: Recorder;
}>;

/**
 * Takes a miner's archive for the next run of its family. The archive lies under its digest before the event names it.
 * The same archive from the same hotkey again is the submission that it was. Throws `input.invalid` for an archive that
 * would never run, and `request.too-many` beyond what one hotkey may submit.
 */
export async function receiveSubmission(
  { miner, archive }: Readonly<{ miner: string; archive: Uint8Array }>,
  deps: ReceiveDeps,
): Promise<Submission> {
  const digest = sha256(archive);
  const submission = derivedUuid(['eirel/submission/v1', miner, digest]);
  const before = await submissionsOf(deps.registry, miner);
  const known = before.find((other) => other.submission === submission);
  if (known !== undefined) return known;
  if (before.length >= deps.perHotkey)
    throw new AppError('request.too-many', {
      detail: `at most ${deps.perHotkey} submissions are taken from one hotkey, ever`,
    });
  const manifest = Buffer.from(await manifestOf(archive, deps));
  await deps.blobs.put(archive);
  await deps.blobs.put(manifest);
  const { length: bytes } = archive;
  const data = {
    submission,
    miner,
    for: deps.family,
    archive: digest,
    bytes,
    manifest: sha256(manifest),
  };
  await deps.record([{ type: 'submission.received.v1', data }]);
  const [received] = await submissionsNamed(deps.registry, [submission]);
  if (received === undefined) throw new TypeError(`${submission} was recorded and is not there`);
  return received;
}

/** A manifest says for which family it is; without a word it is for the owner's. */
const FamilyOf = z.looseObject({ family_id: z.unknown() });

async function manifestOf(archive: Uint8Array, deps: ReceiveDeps): Promise<string> {
  const found = await deps.inspectArchive(archive);
  if (found.kind === 'fault') throw refused(`${found.code}: ${found.detail}`);
  const text = manifestText(found.manifest);
  if (text.kind === 'unfit') throw refused(`submission.yaml: ${text.detail}`);
  const { family_id: family = deps.family } = FamilyOf.parse(decode(text.text));
  if (family !== deps.family)
    throw refused(
      `family_id=${JSON.stringify(family)} is not supported: only ${deps.family} submissions are taken`,
    );
  return text.text;
}

function refused(detail: string): AppError {
  return new AppError('input.invalid', { field: 'archive', detail: detailOf(detail) });
}
