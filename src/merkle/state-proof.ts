import { decodeStateNode, type StoredValue } from './state-node.ts';
import { HASH_BYTES, hexOf } from './tree.ts';

/** What a proof shows to stand under a key; `used` are the nodes that it takes, in the order of the way to it. */
export type ProvedState =
  | Readonly<{ kind: 'value'; value: Uint8Array; used: readonly Uint8Array[] }>
  | Readonly<{ kind: 'absent'; used: readonly Uint8Array[] }>
  | Readonly<{ kind: 'fault'; found: string }>;

/**
 * Nodes of a proof. Each takes at least one nibble of the key, but a chain with millions of entries has hardly ten on
 * the way to one of them.
 */
export const MAX_PROOF_NODES = 64;

/** Bytes of a node: a branch with all of its children takes 530, and its value may be as long as a commitment. */
export const MAX_PROOF_NODE_BYTES = 4_096;

/** The longest keys of storage are of about 100 bytes. */
const MAX_KEY_BYTES = 256;

/**
 * What the state with this root holds under a key, by a proof that anybody may have written: nodes of the trie, in any
 * order, as `state_getReadProof` gives them. Whatever is not the preimage of a hash on the way from the root is not
 * looked at; the caller sees by `used` what was. Never throws.
 */
export function readStateProof(
  {
    root,
    nodes,
    key,
  }: Readonly<{ root: Uint8Array; nodes: readonly Uint8Array[]; key: Uint8Array }>,
  blake2b256: (bytes: Uint8Array) => Uint8Array,
): ProvedState {
  if (nodes.length > MAX_PROOF_NODES)
    return fault(`${nodes.length} nodes, at most ${MAX_PROOF_NODES}`);
  if (nodes.some(({ length }) => length > MAX_PROOF_NODE_BYTES))
    return fault(`a node of more than ${MAX_PROOF_NODE_BYTES} bytes`);
  if (key.length > MAX_KEY_BYTES) return fault(`a key of more than ${MAX_KEY_BYTES} bytes`);
  const byHash = new Map(nodes.map((node) => [hexOf(blake2b256(node)), node]));
  const used: Uint8Array[] = [];
  const preimageOf = (hash: Uint8Array): Uint8Array | null => {
    const node = byHash.get(hexOf(hash));
    if (node === undefined) return null;
    used.push(node);
    return node;
  };
  const found = walk(hexOf(key), root, preimageOf);
  return found.kind === 'fault' ? found : { ...found, used };
}

type Found =
  | Readonly<{ kind: 'value'; value: Uint8Array }>
  | Readonly<{ kind: 'absent' }>
  | Readonly<{ kind: 'fault'; found: string }>;

/** Goes down from the root: every node takes its part of the key, and at least a nibble is spent between two of them. */
function walk(
  key: string,
  root: Uint8Array,
  preimageOf: (hash: Uint8Array) => Uint8Array | null,
): Found {
  let path = key;
  let bytes = preimageOf(root);
  for (;;) {
    if (bytes === null)
      return fault(`no node for the first ${key.length - path.length} nibbles of the key`);
    const node = decodeStateNode(bytes);
    if (node === null) return fault(`no node of a trie: ${hexOf(bytes.subarray(0, 8))}…`);
    if (!path.startsWith(node.partial)) return ABSENT;
    path = path.slice(node.partial.length);
    if (path === '') return valueOf(node.value, preimageOf);
    const child = node.children[Number.parseInt(path.slice(0, 1), 16)] ?? null;
    if (child === null) return ABSENT;
    path = path.slice(1);
    bytes = child.length < HASH_BYTES ? child : preimageOf(child);
  }
}

const ABSENT: Found = { kind: 'absent' };

function valueOf(
  value: StoredValue | null,
  preimageOf: (hash: Uint8Array) => Uint8Array | null,
): Found {
  if (value === null) return ABSENT;
  if (value.kind === 'inline') return { kind: 'value', value: value.bytes };
  const bytes = preimageOf(value.bytes);
  return bytes === null ? fault('only the hash of the value') : { kind: 'value', value: bytes };
}

function fault(found: string): Readonly<{ kind: 'fault'; found: string }> {
  return { kind: 'fault', found };
}
