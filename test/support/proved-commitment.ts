import { blake2b256 } from '#src/chain/blake2b.ts';
import { commitmentKey } from '#src/consensus/commitment-proof.ts';
import { proofOf, put, rootOf, type Trie } from '#src/devchain/trie.ts';
import type { StorageProof } from '#src/events/commitment.ts';
import { sha256 } from '#src/events/hash.ts';
import { compact, registration, textField } from './scale-bytes.ts';

type Stored = Readonly<{
  netuid: number;
  hotkey: string;
  fields: readonly string[];
  /** The block that it was made in. */
  block: number;
  /** The block whose state it is; that same one where it is not given. */
  at?: number;
  /** Other entries of the state. */
  neighbours?: number;
}>;

/** Bytes of the slot's key that other entries share: of other pallets, of its pallet, of its map, of its subnet. */
const SHARED_BYTES = [0, 1, 16, 32, 34, 35];

/** The proof of a commitment by a state that holds it and some other entries, and by the header of its block. */
export function provedCommitment(stored: Stored): StorageProof {
  const { netuid, hotkey, fields, block, at = block, neighbours = 40 } = stored;
  const key = commitmentKey({ netuid, hotkey }) ?? '';
  const slot = Buffer.from(registration(block, fields.map(textField)).slice(2), 'hex');
  let state: Trie = put(null, key, slot);
  for (let n = 0; n < neighbours; n += 1) {
    const shared = key.slice(0, 2 * (SHARED_BYTES[n % SHARED_BYTES.length] ?? 0));
    state = put(state, shared + sha256(`entry ${n}`), Buffer.from(sha256(`${n}`), 'hex'));
  }
  const header = Buffer.concat([
    Buffer.from(sha256(`block ${at - 1}`), 'hex'),
    compact(at),
    rootOf(state),
    Buffer.from(sha256('extrinsics'), 'hex'),
    compact(0),
  ]);
  return {
    blockHash: Buffer.from(blake2b256(header)).toString('hex'),
    header: header.toString('hex'),
    nodes: proofOf(state, key).map((node) => Buffer.from(node).toString('base64')),
  };
}
