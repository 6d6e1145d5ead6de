import { z } from 'zod';
import { CommitmentStatement } from '../consensus/commitment-extrinsic.ts';
import { SignedDocument } from '../consensus/signed.ts';
import { StorageProof } from '../events/commitment.ts';
import { decodeBytes, encode } from '../events/ej1.ts';
import { Block, Detail, Hex32 } from '../events/scalars.ts';

/** Verifiers take no larger file, and a report of 256 miners makes one of 120 kB. */
export const MAX_BUNDLE_BYTES = 1_048_576;

const FORMAT = 'eirel-bundle/1';

/** Bytes in base64: a stored event, or a hash. */
const Bytes = z.base64().max(131_072);

/** A tlog-proof (C2SP), with the checkpoint that it leads to. */
const Proof = z.string().max(65_536);

/** That the chain stored the commitment, by the state of its block; or why there is no proof of that. */
const ReadProof = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('taken'),
    /** The storage key of the hotkey's slot, lower-case hex: a hint, as it follows from hotkey and subnet. */
    key: z.string().max(1_024),
    ...StorageProof.shape,
  }),
  z.looseObject({ kind: z.literal('missing'), detail: Detail }),
]);

/**
 * Everything that shows one report to be genuine, in one file. Nothing in it is trusted: the verifier brings the
 * hotkey, the network, and the witnesses that he believes. Members that are not listed are ignored.
 */
export const Bundle = z.looseObject({
  format: z.literal(FORMAT),
  /** The report as it was signed. */
  report: SignedDocument,
  /** The key of its run: it opens the sealed event, and is the salt of the commitment. */
  opening: z.looseObject({ key: Hex32 }),
  /** The stored event that holds the report sealed, and that it is in the log. */
  event: z.looseObject({ payload: Bytes, proof: Proof }),
  /** The first event of the log, which names its key, and that it is the first. */
  start: z.looseObject({ payload: Bytes, proof: Proof }),
  /** The commitment on chain; null where the validator made none, or cannot prove it. */
  commitment: z
    .looseObject({
      block: Block,
      statement: CommitmentStatement,
      /** That the tree which it anchors is the beginning of the checkpoint's; null where it anchors none. */
      consistency: z.array(Bytes).max(64).nullable(),
      readProof: ReadProof,
    })
    .nullable(),
  /** Whom the validator asked to witness its log, as a C2SP policy: a hint. */
  policy: z.string().max(262_144).nullable(),
});
export type Bundle = z.infer<typeof Bundle>;

/** The bytes of a bundle file: EJ1. */
export function formatBundle(bundle: Omit<Bundle, 'format'>): Uint8Array {
  return Buffer.from(encode({ ...bundle, format: FORMAT } as never), 'utf8'); // safe: every member is JSON
}

/** A bundle that anybody may have written, or why it is none. Never throws. */
export function parseBundle(
  bytes: Uint8Array,
): Readonly<{ bundle: Bundle }> | Readonly<{ fault: string }> {
  if (bytes.length > MAX_BUNDLE_BYTES)
    return { fault: `${bytes.length} bytes, at most ${MAX_BUNDLE_BYTES}` };
  try {
    const parsed = Bundle.safeParse(decodeBytes(bytes));
    return parsed.success ? { bundle: parsed.data } : { fault: z.prettifyError(parsed.error) };
  } catch (error) {
    // The only error of the EJ1 reader is `ej1.malformed`; its text says where and why.
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}
