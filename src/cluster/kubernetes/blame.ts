import { detailOf } from '../../events/scalars.ts';
import type { RuntimeFailure } from '../cluster.ts';

/** What befell an attempt, as the cluster or our own probe shows it. */
export type Trouble = Readonly<{
  kind:
    | 'no-room'
    | 'image'
    | 'not-admitted'
    | 'not-created'
    | 'not-started'
    | 'lease-ran-out'
    | 'taken-away'
    | 'node-silent'
    | 'network-open'
    | 'bytes-differ'
    | 'out-of-reach'
    | 'not-an-archive'
    | 'too-much-disk'
    | 'ended'
    | 'crashed'
    | 'never-ready'
    | 'silent';
  exitCode: number | null;
  detail: string;
}>;

/**
 * Whose failure each trouble is. Until a submission's own program runs, only the bytes of its archive are its miner's;
 * from then on whatever its program does is, and whatever the cluster does with its pod is ours.
 */
const BLAME: Readonly<
  Record<Trouble['kind'], Readonly<{ reason: RuntimeFailure['reason']; ours: boolean }>>
> = {
  'no-room': { reason: 'quota', ours: true },
  image: { reason: 'image', ours: true },
  'not-admitted': { reason: 'rejected', ours: true },
  'not-created': { reason: 'unavailable', ours: true },
  'not-started': { reason: 'unavailable', ours: true },
  'lease-ran-out': { reason: 'deadline', ours: true },
  'taken-away': { reason: 'unavailable', ours: true },
  'node-silent': { reason: 'unavailable', ours: true },
  'network-open': { reason: 'unavailable', ours: true },
  'bytes-differ': { reason: 'unpack', ours: true },
  'out-of-reach': { reason: 'unavailable', ours: true },
  'not-an-archive': { reason: 'unpack', ours: false },
  'too-much-disk': { reason: 'crashed', ours: false },
  ended: { reason: 'exited', ours: false },
  crashed: { reason: 'crashed', ours: false },
  'never-ready': { reason: 'not-ready', ours: false },
  silent: { reason: 'not-ready', ours: false },
};

/** The trouble as a failure, in the words of `runtime.failed`. */
export function failureOf({ kind, exitCode, detail }: Trouble): RuntimeFailure {
  return { ...BLAME[kind], exitCode, detail: detailOf(detail.trim()) };
}

/** What is known while a submission answers the kubelet and not us. */
export type Silence = Readonly<{
  silentMs: number;
  /** Whether another miner's submission answers us at this moment: on the same node, or on any. */
  othersAnswer: Readonly<{ onItsNode: boolean; anywhere: boolean }>;
}>;

/** A miner that is asked every few seconds and answers none of that long is silent, not slow. */
const MAX_SILENCE_MS = 60_000;

/**
 * What the silence of a submission is that its kubelet calls ready. Where others on its node answer us, the way there
 * is open and the silence its own. Where only other nodes answer, its node is out of our reach: it is begun anew, maybe
 * elsewhere. Where nobody answers, nothing is known of the way, and nothing is concluded.
 */
export function judgeSilence({ silentMs, othersAnswer }: Silence): Trouble | null {
  if (silentMs < MAX_SILENCE_MS || !othersAnswer.anywhere) return null;
  const seconds = Math.floor(silentMs / 1_000);
  return othersAnswer.onItsNode
    ? {
        kind: 'silent',
        exitCode: null,
        detail: `no answer to us for ${seconds} s, while others on its node answer`,
      }
    : {
        kind: 'out-of-reach',
        exitCode: null,
        detail: `no answer for ${seconds} s, nor from anything else on its node`,
      };
}
