import { keccak_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { proofOf, put, rootOf, type Trie } from '#src/devchain/trie.ts';
import {
  MAX_PROOF_NODE_BYTES,
  MAX_PROOF_NODES,
  type ProvedState,
  readStateProof,
} from '#src/merkle/state-proof.ts';
import vectors from '../vectors/state-trie.json' with { type: 'json' };

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const hex = (of: Uint8Array): string => Buffer.from(of).toString('hex');
const trieOf = (entries: Iterable<readonly [string, Uint8Array]>): Trie =>
  [...entries].reduce<Trie>((trie, [key, value]) => put(trie, key, value), null);
const proved = (trie: Trie, key: string, nodes = proofOf(trie, key)): ProvedState =>
  readStateProof({ root: rootOf(trie), nodes, key: bytes(key) }, blake2b256);
/** What was proved, in hex; null for nothing. */
const valueIn = (state: ProvedState): string | null | undefined =>
  state.kind === 'fault' ? undefined : state.kind === 'value' ? hex(state.value) : null;

test('a proof from a real chain shows the value that it is of', () => {
  const { root, key, value, nodes } = vectors.proof;
  const request = { root: bytes(root), nodes: nodes.map(bytes), key: bytes(key) };
  expect(valueIn(readStateProof(request, keccak_256))).toBe(value);
});

test.for(vectors.roots)(
  '$name: every entry is proved under the known root',
  ({ entries, root }) => {
    const trie = trieOf(
      Object.entries(entries).map(([key, value]) => [hex(Buffer.from(key)), Buffer.from(value)]),
    );
    expect(hex(rootOf(trie))).toBe(root);
    for (const [key, value] of Object.entries(entries))
      expect(valueIn(proved(trie, hex(Buffer.from(key))))).toBe(hex(Buffer.from(value)));
    expect(proved(trie, hex(Buffer.from('absent'))).kind).toBe('absent');
  },
);

/** Keys that share beginnings, up to being each other's; values short enough to be within nodes, and long ones. */
const key = fc
  .array(fc.constantFrom('00', '01', '10', 'ab', 'ff'), { maxLength: 6 })
  .map((parts) => parts.join(''));
const entries = fc.dictionary(key, fc.uint8Array({ maxLength: 80 }), { maxKeys: 24 });

describe('a proof', () => {
  test('shows exactly what the trie holds, whatever that is', () => {
    fc.assert(
      fc.property(entries, key, (dictionary, other) => {
        const trie = trieOf(Object.entries(dictionary));
        for (const asked of [...Object.keys(dictionary), other]) {
          const value = dictionary[asked];
          const state = proved(trie, asked);
          expect(valueIn(state)).toBe(value === undefined ? null : hex(value));
          expect(state.kind !== 'fault' && state.used).toHaveLength(proofOf(trie, asked).length);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('is refused with any byte changed, and without any of its nodes', () => {
    const long = trieOf(
      Array.from({ length: 40 }, (_, at) => [hex(Uint8Array.of(at * 6, at)), Buffer.alloc(40, at)]),
    );
    const asked = hex(Uint8Array.of(120, 20));
    const nodes = proofOf(long, asked);
    expect(proved(long, asked).kind).toBe('value');
    for (const [at, node] of nodes.entries()) {
      expect(proved(long, asked, nodes.toSpliced(at, 1)).kind).toBe('fault');
      for (const index of node.keys()) {
        const changed = Uint8Array.from(node);
        changed[index] = (changed[index] ?? 0) ^ 1;
        expect(proved(long, asked, nodes.with(at, changed)).kind).toBe('fault');
      }
    }
  });

  // Counts of nibbles that fill their bits of a header exactly, and its further bytes.
  test.for([7, 15, 16, 31, 32, 135, 143, 159, 160])('is of a key of %i bytes', (length) => {
    const trie = trieOf([
      ['ab'.repeat(length), Buffer.from('1')],
      [`${'ab'.repeat(length)}cd`, Buffer.alloc(40, 2)],
    ]);
    expect(valueIn(proved(trie, 'ab'.repeat(length)))).toBe('31');
    expect(valueIn(proved(trie, `${'ab'.repeat(length)}cd`))).toBe('02'.repeat(40));
  });

  test('of a state of version 0 has long values in their nodes', () => {
    const value = Buffer.alloc(50, 7);
    const leaf = Buffer.concat([bytes('42aa'), Uint8Array.of(50 << 2), value]);
    const request = { root: blake2b256(leaf), nodes: [leaf], key: bytes('aa') };
    expect(valueIn(readStateProof(request, blake2b256))).toBe(hex(value));
  });

  test('of a state of version 1 shows nothing by the hash of a value alone', () => {
    const value = Buffer.alloc(50, 7);
    const leaf = Buffer.concat([bytes('22aa'), blake2b256(value)]);
    const of = (nodes: readonly Uint8Array[]) =>
      readStateProof({ root: blake2b256(leaf), nodes, key: bytes('aa') }, blake2b256);
    expect(of([leaf])).toEqual({ kind: 'fault', found: 'only the hash of the value' });
    expect(valueIn(of([value, leaf]))).toBe(hex(value));
  });

  test.for([
    ['nothing at all', ''],
    ['a reserved kind', '01aa'],
    ['more than an empty trie', '0000'],
    ['a leaf that is cut off', '42aa08bb'],
    ['a leaf with more behind it', '42aa04bbcc'],
    ['an odd path without its zero', '4110aa04bb'],
    ['a length in more bytes than it takes', '42aa010004bb'],
    ['a length of the widest mode', '42aa0300000004bb'],
    ['a path longer than the node', '7fffff00'],
    ['a child longer than a hash', `80010084${'00'.repeat(33)}`],
    ['a child of no bytes', '80010000'],
  ] as const)('is refused for a node that is %s', ([, node]) => {
    const request = { root: blake2b256(bytes(node)), nodes: [bytes(node)], key: bytes('aa') };
    expect(readStateProof(request, blake2b256).kind).toBe('fault');
  });

  test('is a fault or an answer for any bytes, and never an exception', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 8 }),
        (node, of) => {
          const request = { root: blake2b256(node), nodes: [node], key: of };
          expect(['value', 'absent', 'fault']).toContain(readStateProof(request, blake2b256).kind);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('has so many nodes, of so many bytes, for a key of so many', () => {
    const refused = (nodes: readonly Uint8Array[], of = bytes('aa')) =>
      expect(readStateProof({ root: new Uint8Array(32), nodes, key: of }, blake2b256).kind).toBe(
        'fault',
      );
    refused(Array.from({ length: MAX_PROOF_NODES + 1 }, () => new Uint8Array(1)));
    refused([new Uint8Array(MAX_PROOF_NODE_BYTES + 1)]);
    refused([], new Uint8Array(257));
  });
});
