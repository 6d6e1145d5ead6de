import { z } from 'zod';
import { defineLogEvent } from './define-event.ts';
import { Hex32, Signature, Ss58, Uid } from './scalars.ts';

/** The DSSE payload type of the statement that opens a log. */
export const LOG_START_TYPE = 'application/vnd.eirel.log-start.v1+json';

const Source = z.string().min(1).max(256);

/** Far more than its fields take. */
const MAX_LOG_START_BYTES = 4_096;

/**
 * What the hotkey signs when a log begins: which keys speak for it, and what it continues. A log that had
 * to be given up goes on in the next generation, whose start names the last good checkpoint.
 */
export const LogStart = z.strictObject({
  v: z.literal('eirel/log-start/1'),
  source: Source,
  genesis: Hex32,
  netuid: Uid,
  hotkey: Ss58,
  generation: z.int().min(0).max(65_535),
  /** Ed25519 public key that signs checkpoints. */
  logKey: Hex32,
  /** Ed25519 public key that cosigns other logs' checkpoints: another one than `logKey` (C2SP tlog-cosignature). */
  witnessKey: Hex32,
  previous: z.strictObject({ source: Source, size: z.int().min(0), root: Hex32 }).nullable(),
});
export type LogStart = z.infer<typeof LogStart>;

/** The first event of a log: the exact signed text of its start, and the hotkey's signature over it. */
export const LogStarted = defineLogEvent('log.started.v1', {
  hotkey: Ss58,
  body: z.string().max(MAX_LOG_START_BYTES),
  signature: Signature,
});
