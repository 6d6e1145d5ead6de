import { isAppError } from '../errors.ts';
import type { StorageProof } from '../events/commitment.ts';
import { ss58PublicKey } from '../events/ss58.ts';
import { readStateProof } from '../merkle/state-proof.ts';
import type { Blake2b256 } from './commitment-extrinsic.ts';
import { type ScaleCursor, scaleCursor } from './scale-cursor.ts';
import { twox64OfAccount } from './twox.ts';

/** What the chain held in a hotkey's slot for commitments at the end of a block. */
export type StoredCommitment = Readonly<{
  /** Number of the block whose state it is. */
  at: number;
  /** The block that it was made in. */
  block: number;
  /** Its fields, in SCALE as the call that made them has them: lower-case hex. */
  fields: string;
}>;

/** Whose slot, in which subnet. */
export type Slot = Readonly<{ netuid: number; hotkey: string }>;

/**
 * What a proof shows of a slot, or why it shows nothing: the header has the hash that it is said to have, its state root
 * that of the proof, and the value under the slot's key is a commitment. Whether that block is of the chain and final
 * only a node can tell. Never throws, whoever wrote the proof.
 */
export function readCommitmentProof(
  { blockHash, header, nodes }: Pick<StorageProof, 'blockHash' | 'header' | 'nodes'>,
  slot: Slot,
  { blake2b256 }: Readonly<{ blake2b256: Blake2b256 }>,
): Readonly<{ kind: 'stored'; stored: StoredCommitment }> | Fault {
  const key = commitmentKey(slot);
  if (key === null) return fault(`${slot.hotkey} is no hotkey`);
  const bytes = Buffer.from(header, 'hex');
  const hash = hexOf(blake2b256(bytes));
  if (hash !== blockHash) return fault(`a header whose hash is ${hash}, not ${blockHash}`);
  const of = headerOf(bytes);
  if (of === null) return fault('no header of a block');
  const { stateRoot: root, number: at } = of;
  const proof = nodes.map((node) => Buffer.from(node, 'base64'));
  const state = readStateProof({ root, nodes: proof, key: Buffer.from(key, 'hex') }, blake2b256);
  if (state.kind === 'fault') return state;
  if (state.used.length !== nodes.length) return fault('nodes that are not on the way to the slot');
  if (state.kind === 'absent') return fault(`nothing in the slot at block ${at}`);
  const registration = read(state.value, (input) => {
    input.bytes(DEPOSIT_BYTES);
    const block = Buffer.from(input.bytes(4)).readUInt32LE();
    return { block, fields: hexOf(input.bytes(input.left())) };
  });
  return registration === null
    ? fault('a value that is no commitment')
    : { kind: 'stored', stored: { at, ...registration } };
}

/** The storage key of a slot, `Commitments.CommitmentOf(netuid, hotkey)`, in lower-case hex; null for what is no hotkey. */
export function commitmentKey({ netuid, hotkey }: Slot): string | null {
  const account = ss58PublicKey(hotkey);
  if (account === null) return null;
  const subnet = Buffer.alloc(2);
  subnet.writeUInt16LE(netuid);
  return hexOf(Buffer.concat([COMMITMENT_OF, subnet, twox64OfAccount(account), account]));
}

/** The number and the state root of a header (`sp_runtime::generic::Header`); null for what is none. */
export function headerOf(
  bytes: Uint8Array,
): Readonly<{ number: number; stateRoot: Uint8Array }> | null {
  return read(bytes, (input) => {
    input.bytes(HASH_BYTES);
    const number = input.compact();
    const stateRoot = input.bytes(HASH_BYTES);
    input.bytes(HASH_BYTES);
    return { number, stateRoot };
  });
}

/** The XXH128 of `Commitments` and of `CommitmentOf`, which every key of the map begins with. */
const COMMITMENT_OF = Buffer.from(
  'ca407206ec1ab726b2636c4b145ac287419a60ae8b01e6dcaebd7317e43c69bf',
  'hex',
);

/** A slot begins with a deposit, a `u64` of which nobody here needs to know. */
const DEPOSIT_BYTES = 8;
const HASH_BYTES = 32;

type Fault = Readonly<{ kind: 'fault'; found: string }>;

function fault(found: string): Fault {
  return { kind: 'fault', found };
}

/** What is read of bytes; null where they end too early. */
function read<T>(bytes: Uint8Array, reading: (input: ScaleCursor) => T): T | null {
  try {
    return reading(scaleCursor(bytes));
  } catch (error) {
    if (isAppError(error, 'evidence.invalid')) return null;
    throw error;
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
