import { type RpcError, refusal } from './rpc-error.ts';
import type { Transaction } from './transaction.ts';

/** What a watcher of an extrinsic is told, as the JSON-RPC writes it. */
export type Status =
  | 'future'
  | 'ready'
  | 'invalid'
  | 'dropped'
  | { readonly broadcast: readonly string[] }
  | { readonly inBlock: string }
  | { readonly retracted: string }
  | { readonly finalized: string }
  | { readonly finalityTimeout: string }
  | { readonly usurped: string };

/** The nonce that an account's next extrinsic must have, by the newest state. */
export type NonceOf = (signer: string) => number;

export type Pool = Readonly<{
  /** Takes a checked extrinsic, or says why not. */
  add: (transaction: Transaction, nonceOf: NonceOf) => RpcError | null;
  get: (hash: string) => Readonly<{ transaction: Transaction; ready: boolean }> | undefined;
  /** In order of arrival. */
  all: () => readonly Transaction[];
  /** What the next block may include: in order of arrival, but each account's in order of nonce. */
  ready: () => readonly Transaction[];
  /** The nonce after everything that an account has in line. */
  nextNonce: (signer: string, nonceOf: NonceOf) => number;
  /** Takes one out and tells its watchers why, unless a block says it. */
  remove: (hash: string, status?: Status) => void;
  /** After each block: what can't be included any more is invalid, and who waited may be ready. */
  settle: (nextBlock: number, nonceOf: NonceOf) => void;
  /** Forgets everything and tells nobody, as a restart does. */
  clear: () => void;
}>;

/** A subnet of 256 neurons with two extrinsics of each in line is half of it. */
const MAX_POOLED = 1_024;

/** An account has no reason to run far ahead; and one account must not fill the pool. */
const MAX_POOLED_PER_ACCOUNT = 64;

/** An empty pool. `tell` hears of every change of an extrinsic's status in it. */
export function createPool(tell: (hash: string, status: Status) => void): Pool {
  const lines: Lines = { entries: new Map(), accounts: new Map(), tell };
  const { entries, accounts } = lines;
  return {
    add: (transaction, nonceOf) => add(lines, transaction, nonceOf),
    get: (hash) => entries.get(hash),
    all: () => [...entries.values()].map(({ transaction }) => transaction),
    ready: () => inNonceOrder([...entries.values()].filter(({ ready }) => ready)),
    nextNonce: (signer, nonceOf) => nextNonce(lines, signer, nonceOf),
    remove: (hash, status) => remove(lines, hash, status),
    settle: (nextBlock, nonceOf) => {
      for (const { transaction } of entries.values()) {
        const { hash, signer, nonce, expires } = transaction;
        if (nonce < nonceOf(signer) || (expires !== null && expires <= nextBlock))
          remove(lines, hash, 'invalid');
      }
      for (const signer of accounts.keys()) sort(lines, signer, nonceOf);
    },
    clear: () => {
      entries.clear();
      accounts.clear();
    },
  };
}

/** The peer that hears of everything. */
export const PEER = 'devchain';

type Entry = { readonly transaction: Transaction; ready: boolean };
type Lines = Readonly<{
  /** By hash, in order of arrival. */
  entries: Map<string, Entry>;
  /** By account, then nonce. */
  accounts: Map<string, Map<number, Entry>>;
  tell: (hash: string, status: Status) => void;
}>;

function add(lines: Lines, transaction: Transaction, nonceOf: NonceOf): RpcError | null {
  const { entries, accounts } = lines;
  const { hash, signer, nonce } = transaction;
  const line = accounts.get(signer) ?? new Map<number, Entry>();
  if (entries.has(hash)) return refusal.alreadyImported();
  if (line.has(nonce)) return refusal.tooLowPriority();
  if (entries.size >= MAX_POOLED || line.size >= MAX_POOLED_PER_ACCOUNT) return refusal.poolFull();
  const entry = { transaction, ready: false };
  entries.set(hash, entry);
  accounts.set(signer, line.set(nonce, entry));
  sort(lines, signer, nonceOf);
  return null;
}

function remove({ entries, accounts, tell }: Lines, hash: string, status?: Status): void {
  const entry = entries.get(hash);
  if (entry === undefined) return;
  const { signer, nonce } = entry.transaction;
  entries.delete(hash);
  const line = accounts.get(signer);
  line?.delete(nonce);
  if (line?.size === 0) accounts.delete(signer);
  if (status !== undefined) tell(hash, status);
}

function nextNonce({ accounts }: Lines, signer: string, nonceOf: NonceOf): number {
  const line = accounts.get(signer);
  let nonce = nonceOf(signer);
  while (line?.has(nonce) === true) nonce += 1;
  return nonce;
}

/** An account's extrinsics are ready as far as its nonces follow on each other. */
function sort(lines: Lines, signer: string, nonceOf: NonceOf): void {
  const reach = nextNonce(lines, signer, nonceOf);
  for (const entry of lines.accounts.get(signer)?.values() ?? []) {
    const { hash, nonce } = entry.transaction;
    if (entry.ready === nonce < reach) continue;
    entry.ready = nonce < reach;
    lines.tell(hash, entry.ready ? 'ready' : 'future');
    if (entry.ready) lines.tell(hash, { broadcast: [PEER] });
  }
}

/** Each account's extrinsics share the places that they arrived at, lowest nonce first. */
function inNonceOrder(entries: readonly Entry[]): readonly Transaction[] {
  const arrived = entries.map(({ transaction }) => transaction);
  const queues = Map.groupBy(
    arrived.toSorted((a, b) => a.nonce - b.nonce),
    ({ signer }) => signer,
  );
  return arrived.flatMap(({ signer }) => queues.get(signer)?.shift() ?? []);
}
