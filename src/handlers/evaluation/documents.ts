import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { BlobStore } from '../blobs.ts';

/** An answer of 4 MiB of stream with its turns, or a judge's calls about it. */
const MAX_DOCUMENT_BYTES = 16_777_216;

const Citation = z.strictObject({ url: z.string(), title: z.string() });

/** What a miner answered to a task, as it is kept beside the log. */
export const AnswerDocument = z.strictObject({
  v: z.literal('eirel/answer/1'),
  task: z.string(),
  miner: z.string(),
  attempt: z.int(),
  /** Each turn that the miner was asked, with the conversation that it went into. */
  turns: z.array(
    z.strictObject({
      turn: z.string(),
      job: z.string(),
      ms: z.int(),
      kind: z.string(),
      answer: z.string(),
    }),
  ),
  conversation: z.array(
    z.strictObject({ role: z.enum(['user', 'assistant']), content: z.string() }),
  ),
  question: z.string(),
  answer: z.string(),
  citations: z.array(Citation),
});
export type AnswerDocument = z.infer<typeof AnswerDocument>;

/** Keeps a document as JSON; gives its digest. */
export function keep(
  document: unknown,
  { blobs }: Readonly<{ blobs: Pick<BlobStore, 'put'> }>,
): Promise<string> {
  return blobs.put(new TextEncoder().encode(JSON.stringify(document)));
}

/** The document of a digest, or null when it is not kept. Throws `blob.damaged` for one that is not what it was. */
export async function load<T>(
  digest: string,
  schema: z.ZodType<T>,
  { blobs }: Readonly<{ blobs: Pick<BlobStore, 'get'> }>,
): Promise<T | null> {
  const bytes = await blobs.get(digest, MAX_DOCUMENT_BYTES);
  if (bytes === null) return null;
  const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (parsed.success) return parsed.data;
  throw new AppError('blob.damaged', { digest, found: z.prettifyError(parsed.error) });
}
