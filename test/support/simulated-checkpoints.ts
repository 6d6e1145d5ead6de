import { once } from 'node:events';
import type { Signer } from '#src/consensus/keys.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Checkpoints, PublishedCheckpoint } from '#src/handlers/checkpoints.ts';
import { type Checkpoint, signCheckpoint } from '#src/merkle/checkpoint.ts';
import { createTree, hexOf, leafOf } from '#src/merkle/tree.ts';
import type { Message } from '#src/runtime/log-store.ts';
import type { MemoryDisk } from '#src/runtime/memory-store.ts';

/**
 * The published checkpoints of a log in memory: each of its events is covered as soon as it is stored, or the
 * first `limit` of them. Roots and notes are real, under a log key that follows from the hotkey.
 */
export function simulatedCheckpoints(
  disk: MemoryDisk,
  { source, signer, limit }: { source: string; signer: Signer; limit: () => number | null },
): Checkpoints {
  const keys = { logSeed: Buffer.from(sha256(`log key of ${signer.hotkey}`), 'hex'), signer };
  let covered: readonly Message[] = [];
  let tree = createTree();
  let newest: PublishedCheckpoint | null = null;
  const published = (): PublishedCheckpoint | null => {
    const messages = disk.messages.slice(0, limit() ?? disk.messages.length);
    // A test may cut or alter what is stored: then the tree is another one.
    if (covered.some((message, index) => message !== messages[index])) {
      covered = [];
      tree = createTree();
      newest = null;
    }
    for (const { payload } of messages.slice(covered.length)) tree.append(leafOf(payload));
    covered = messages;
    if (covered.length === 0) return null;
    if (newest?.size !== tree.size())
      newest = signedOnce({ origin: source, size: tree.size(), root: tree.root() }, keys);
    return newest;
  };
  return {
    published,
    covering: async (size, signal) => {
      for (;;) {
        const newest = published();
        if (newest !== null && newest.size >= size) return newest;
        signal.throwIfAborted();
        await Promise.race([once(signal, 'abort'), once(disk.stored, 'stored')]);
      }
    },
  };
}

/** Signing is slow, and few ask for the note: it is signed for the first who does. */
function signedOnce(
  checkpoint: Checkpoint,
  keys: Parameters<typeof signCheckpoint>[1],
): PublishedCheckpoint {
  let note: Uint8Array | null = null;
  return {
    size: checkpoint.size,
    root: hexOf(checkpoint.root),
    get note() {
      note ??= signCheckpoint(checkpoint, keys);
      return note;
    },
  };
}
