import type { Verify } from '../consensus/keys.ts';
import { cosign } from '../merkle/cosignature.ts';
import { formatSignature } from '../merkle/signed-note.ts';
import {
  decideWitness,
  readWitnessRequest,
  type Witnessed,
  type WitnessRefusal,
  type WitnessRequest,
  type WitnessState,
} from '../sequencer/witness.ts';

/** As whom this validator witnesses, and on which subnet. */
export type Cosigner = Readonly<{
  genesis: string;
  netuid: number;
  /** The key name of its cosignatures. */
  name: string;
  /** Ed25519 seed, 32 bytes: of no other key. */
  seed: Uint8Array;
}>;

export type CosignDeps = Readonly<{
  state: WitnessState;
  /** The hotkeys whose logs are witnessed. */
  voters: () => Promise<ReadonlySet<string>>;
  verify: Verify;
  /** The time now, RFC 3339 UTC. */
  now: () => string;
  /** Hears of two signed checkpoints of one log and size with different roots. */
  onFork: (held: Witnessed, given: Uint8Array) => void;
}>;

/** What a log's request comes to. */
export type CosignAnswer =
  /** The signature line, with its newline. */
  | Readonly<{ kind: 'cosigned'; lines: string }>
  | Readonly<{ kind: 'refused'; refusal: WitnessRefusal }>;

/** What a log that pushes twice at once can make one request repeat. */
const MAX_ATTEMPTS = 3;

/**
 * The witness of C2SP tlog-witness for the logs of other validators. The newest checkpoint of each is on
 * record before its cosignature is given out, and moves only from the state that was looked at.
 */
export function createWitness(cosigner: Cosigner, deps: CosignDeps) {
  return {
    /** Answers a request with any bytes. */
    addCheckpoint: async (body: Uint8Array): Promise<CosignAnswer> => {
      const request = readWitnessRequest(body, cosigner);
      if ('status' in request) return { kind: 'refused', refusal: request };
      const voters = await deps.voters();
      return answer(request, voters, cosigner, deps);
    },
    /** The note that was cosigned last of the log with this SHA-256 of its origin; null for none. */
    witnessedCheckpoint: async (originHash: string): Promise<Uint8Array | null> => {
      const witnessed = await deps.state.find(originHash);
      return witnessed === null ? null : Buffer.from(witnessed.note, 'utf8');
    },
  };
}

async function answer(
  request: WitnessRequest,
  voters: ReadonlySet<string>,
  cosigner: Cosigner,
  { state, verify, now, onFork }: CosignDeps,
): Promise<CosignAnswer> {
  const isVoter = (hotkey: string): boolean => voters.has(hotkey);
  let held: Witnessed | null = null;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    held = await state.read(request.claimed.origin);
    const decision = decideWitness(request, held, { isVoter, verify });
    if (decision.kind === 'refuse') {
      if (decision.fork && held !== null) onFork(held, request.checkpoint);
      return { kind: 'refused', refusal: decision.refusal };
    }
    // Stale: another request of this log came first, so this one is decided anew.
    if ((await state.advance(held, decision.to)) === 'stale') continue;
    const time = Math.floor(Date.parse(now()) / 1_000);
    const line = cosign(decision.text, { ...cosigner, time });
    return { kind: 'cosigned', lines: formatSignature(line) };
  }
  return { kind: 'refused', refusal: { status: 409, size: held?.size ?? 0 } };
}
