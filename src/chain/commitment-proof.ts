import { compactToU8a } from '@polkadot/util/cjs/index';
import { z } from 'zod';
import { readCommitmentProof as check, commitmentKey } from '../consensus/commitment-proof.ts';
import { StorageProof } from '../events/commitment.ts';
import { readStateProof } from '../merkle/state-proof.ts';
import { blake2b256 } from './blake2b.ts';
import type { Known } from './chain.ts';
import { isStateMissing, type Link } from './connection-link.ts';
import { parseAnswer } from './decode.ts';
import { readFinalizedAt } from './finalized.ts';
import { known, malformed, unavailable } from './known.ts';
import { RpcError } from './rpc-error.ts';

type Request = Readonly<{ netuid: number; hotkey: string; block: number }>;

/**
 * What a finalised block's state holds in a hotkey's slot for commitments, with what proves it by the block's hash alone;
 * that was checked before it is given. 'unavailable' when the node has no state of the block, or proves nothing at all;
 * transport errors are thrown.
 */
export async function readCommitmentProof(
  { netuid, hotkey, block }: Request,
  { link }: Readonly<{ link: Link }>,
): Promise<Known<StorageProof>> {
  const at = await readFinalizedAt(block, { link });
  if (!at.known) return at;
  const key = commitmentKey({ netuid, hotkey });
  if (key === null) return malformed(`${hotkey} is no hotkey`);
  const { blockHash } = at.value;
  const what = `header of block ${block}`;
  const answer = await link.call('chain_getHeader', [`0x${blockHash}`]);
  const header = parseAnswer(Header.nullable(), answer, what);
  if (!header.known) return header;
  if (header.value === null) return unavailable(`the node does not know block ${block}`);
  const asked = await readProof(key, { block, blockHash }, { link });
  if (!asked.known) return asked;
  const encoded = headerBytes(header.value);
  // A node may give more than the way to the value; only that is kept.
  const given = readStateProof(
    {
      root: bytesOf(header.value.stateRoot),
      nodes: asked.value.map(bytesOf),
      key: Buffer.from(key, 'hex'),
    },
    blake2b256,
  );
  if (given.kind === 'fault') return malformed(`proof at block ${block}: ${given.found}`);
  const nodes = given.used.map((node) => text(node, 'base64'));
  const proof = parseAnswer(
    StorageProof,
    { blockHash, header: text(encoded, 'hex'), nodes },
    `proof of ${hotkey} at block ${block}`,
  );
  if (!proof.known) return proof;
  const read = check(proof.value, { netuid, hotkey }, { blake2b256 });
  return read.kind === 'fault' ? malformed(`block ${block}: ${read.found}`) : proof;
}

async function readProof(
  key: string,
  { block, blockHash }: Readonly<{ block: number; blockHash: string }>,
  { link }: Readonly<{ link: Link }>,
): Promise<Known<readonly string[]>> {
  try {
    const answer = await link.call('state_getReadProof', [[`0x${key}`], `0x${blockHash}`]);
    const proof = parseAnswer(ReadProof, answer, `read proof at block ${block}`);
    return proof.known ? known(proof.value.proof) : proof;
  } catch (error) {
    // Proxies in front of nodes leave the method out, and a node forgets old states: no fault of the connection.
    if (!isStateMissing(error) && !(error instanceof RpcError)) throw error;
    return unavailable(`the node proves nothing of the state of block ${block}: ${error.message}`);
  }
}

/** A header in SCALE, which its hash is of. */
function headerBytes(header: z.infer<typeof Header>): Uint8Array {
  const { parentHash, number, stateRoot, extrinsicsRoot, digest } = header;
  return Buffer.concat([
    bytesOf(parentHash),
    compactToU8a(Number(number)),
    bytesOf(stateRoot),
    bytesOf(extrinsicsRoot),
    compactToU8a(digest.logs.length),
    ...digest.logs.map(bytesOf),
  ]);
}

const Hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const Hex = z.string().regex(/^0x(?:[0-9a-f]{2})*$/);
const Header = z.object({
  parentHash: Hash,
  number: z.string().regex(/^0x[0-9a-f]{1,8}$/),
  stateRoot: Hash,
  extrinsicsRoot: Hash,
  digest: z.object({ logs: z.array(Hex) }),
});
const ReadProof = z.object({ proof: z.array(Hex) });

function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex.slice(2), 'hex');
}

function text(bytes: Uint8Array, encoding: 'hex' | 'base64'): string {
  return Buffer.from(bytes).toString(encoding);
}
