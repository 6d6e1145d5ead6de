import { compactToU8a } from '@polkadot/util/cjs/index';
import { blake2AsU8a } from '@polkadot/util-crypto/cjs/blake2/index';

/**
 * A trie of the state as Substrate builds it: base-16, Patricia, state version 1. Immutable, so tries of following
 * blocks share what is equal, and each node is encoded and hashed once. Null is the empty one.
 */
export type Trie = Node | null;

type Node = Readonly<{
  /** The part of the keys below that it stands for: nibbles, one hex digit each. */
  partial: string;
  value: Uint8Array | null;
  /** By nibble; none at all for a leaf. */
  children: readonly Trie[];
}>;

/** The trie with a value under a path: the hex digits of its key. */
export function put(trie: Trie, path: string, value: Uint8Array): Node {
  if (trie === null) return { partial: path, value, children: [] };
  const { partial } = trie;
  const common = commonDigits(partial, path);
  if (common < partial.length) {
    const below = { ...trie, partial: partial.slice(common + 1) };
    const branch = { partial: partial.slice(0, common), value: null, children: [] };
    return put(withChild(branch, digitAt(partial, common), below), path, value);
  }
  if (path.length === common) return { ...trie, value };
  const digit = digitAt(path, common);
  return withChild(trie, digit, put(trie.children[digit] ?? null, path.slice(common + 1), value));
}

/** The trie without a path; the same one where it holds none. */
export function remove(trie: Trie, path: string): Trie {
  if (trie === null || !path.startsWith(trie.partial)) return trie;
  const at = trie.partial.length;
  if (path.length === at) return compacted({ ...trie, value: null });
  const digit = digitAt(path, at);
  const child = trie.children[digit] ?? null;
  const left = remove(child, path.slice(at + 1));
  return left === child ? trie : compacted(withChild(trie, digit, left));
}

/** The root's hash, 32 bytes. */
export function rootOf(trie: Trie): Uint8Array {
  return hashOf(encode(trie));
}

/** What proves the value under a path, or that there is none: the nodes on the way that are not within others, and a long value. */
export function proofOf(trie: Trie, path: string): readonly Uint8Array[] {
  const proof = [encode(trie)];
  let node = trie;
  for (let rest = path; node !== null && rest.startsWith(node.partial); ) {
    const { partial, value, children } = node;
    rest = rest.slice(partial.length);
    if (rest === '') return value !== null && isLong(value) ? [...proof, value] : proof;
    node = children[digitAt(rest, 0)] ?? null;
    rest = rest.slice(1);
    const bytes = node === null ? EMPTY : encode(node);
    if (bytes.length >= HASH_BYTES) proof.push(bytes);
  }
  return proof;
}

const HASH_BYTES = 32;

/** `TRIE_VALUE_NODE_THRESHOLD`: a value of so many bytes is not in its node, but its hash is. */
const LONG_VALUE_BYTES = 33;

/** The one node of an empty trie. */
const EMPTY = Uint8Array.of(0);

const DIGITS = 16;

const encodings = new WeakMap<Node, Uint8Array>();
const references = new WeakMap<Node, Uint8Array>();

function encode(node: Trie): Uint8Array {
  if (node === null) return EMPTY;
  const known = encodings.get(node);
  if (known !== undefined) return known;
  const { partial, value, children } = node;
  const long = value !== null && isLong(value);
  const branch = children.length > 0;
  const odd = partial.length % 2 === 1;
  const bytes = Buffer.concat([
    header(kindOf({ branch, valued: value !== null, long }), partial.length),
    Buffer.from(odd ? `0${partial}` : partial, 'hex'),
    branch ? bitmapOf(children) : NONE,
    value === null ? NONE : long ? hashOf(value) : prefixed(value),
    ...children.map((child) => (child === null ? NONE : referenceOf(child))),
  ]);
  encodings.set(node, bytes);
  return bytes;
}

const NONE = new Uint8Array(0);

type Kind = Readonly<{ prefix: number; most: number }>;

/** The highest bits of the header, and the greatest number that the others can say. */
function kindOf(of: Readonly<{ branch: boolean; valued: boolean; long: boolean }>): Kind {
  if (of.long) return of.branch ? { prefix: 0x10, most: 15 } : { prefix: 0x20, most: 31 };
  if (!of.branch) return { prefix: 0x40, most: 63 };
  return { prefix: of.valued ? 0xc0 : 0x80, most: 63 };
}

/** A count of nibbles that fills its bits goes on in further bytes, of which each but the last is 255. */
function header({ prefix, most }: Kind, nibbles: number): Uint8Array {
  if (nibbles < most) return Uint8Array.of(prefix | nibbles);
  const rest = nibbles - most;
  const full = Math.floor(rest / 255);
  return Uint8Array.of(prefix | most, ...Array<number>(full).fill(255), rest % 255);
}

function bitmapOf(children: readonly Trie[]): Uint8Array {
  const bits = children.reduce((all, child, digit) => all | (child === null ? 0 : 1 << digit), 0);
  return Uint8Array.of(bits & 0xff, bits >> 8);
}

/** How its parent names a node: by its hash, or by itself where that is shorter; the length first. */
function referenceOf(node: Node): Uint8Array {
  const known = references.get(node);
  if (known !== undefined) return known;
  const bytes = encode(node);
  const reference = prefixed(bytes.length < HASH_BYTES ? bytes : hashOf(bytes));
  references.set(node, reference);
  return reference;
}

function prefixed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([compactToU8a(bytes.length), bytes]);
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return blake2AsU8a(bytes, 256);
}

function isLong(value: Uint8Array): boolean {
  return value.length >= LONG_VALUE_BYTES;
}

function withChild(node: Node, digit: number, child: Trie): Node {
  const all = node.children.length === 0 ? Array<Trie>(DIGITS).fill(null) : node.children;
  const children = all.with(digit, child);
  return { ...node, children: children.every((each) => each === null) ? [] : children };
}

/** Without a value a node needs two children: with one it is one with that, with none it is not there. */
function compacted(node: Node): Trie {
  if (node.value !== null) return node;
  const [only, ...others] = node.children.flatMap((child, digit) =>
    child === null ? [] : [{ child, digit }],
  );
  if (only === undefined) return null;
  if (others.length > 0) return node;
  return { ...only.child, partial: node.partial + only.digit.toString(16) + only.child.partial };
}

function commonDigits(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let at = 0;
  while (at < most && left[at] === right[at]) at += 1;
  return at;
}

function digitAt(path: string, at: number): number {
  return Number.parseInt(path.charAt(at), 16);
}
