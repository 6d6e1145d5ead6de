import { sha256 } from '../events/hash.ts';
import type { RpcError } from './rpc-error.ts';

/** Faults that stand until they are taken back. The node and its server look here before they act. */
export type FaultState = {
  blocksStopped: boolean;
  finalityStalled: boolean;
  /** Blocks up to this number include no extrinsic. */
  heldUntil: number;
  /** The next submission gets this answer. */
  rejection: RpcError | null;
  handshakes: Readonly<{ how: HandshakeRefusal; share: number; seed: string }> | null;
  /** Connections stay open, but nothing is sent on them. */
  muted: boolean;
  /** By method. */
  drops: Map<string, DropTime>;
  delays: Map<string, number>;
  errors: Map<string, RpcError>;
  metagraph: MetagraphFault | null;
};

/** HTTP 429, or a TCP reset. */
export type HandshakeRefusal = '429' | 'reset';

/** The call never arrives, or is carried out but not answered, or is answered. */
export type DropTime = 'before-call' | 'before-answer' | 'after-answer';

export type MetagraphFault = 'empty' | 'shrunken' | 'malformed' | 'missing';

export function noFaults(): FaultState {
  return {
    blocksStopped: false,
    finalityStalled: false,
    heldUntil: 0,
    rejection: null,
    handshakes: null,
    muted: false,
    drops: new Map(),
    delays: new Map(),
    errors: new Map(),
    metagraph: null,
  };
}

/** Whether the n-th handshake is refused, and how: with one seed always the same ones. */
export function handshakeFault(faults: FaultState, n: number): HandshakeRefusal | null {
  if (faults.handshakes === null) return null;
  const { how, share, seed } = faults.handshakes;
  const draw = Number.parseInt(sha256(`${seed}/${n}`).slice(0, 8), 16) / 2 ** 32;
  return draw < share ? how : null;
}

/** The time of a drop that waits for this method, which it no longer does after that. */
export function takeDrop(faults: FaultState, method: string): DropTime | null {
  const time = faults.drops.get(method) ?? null;
  faults.drops.delete(method);
  return time;
}
